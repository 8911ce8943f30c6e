"""Which traces are kept, and why: decisions one at a time, by the documented rules."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from tests.reference.spans.errors import is_handled
from tests.reference.spans.rules import Rules
from tests.reference.spans.sent import REDACT, Sent
from tests.reference.spans.series import Labels
from tests.reference.spans.trace import Trace

AFTER_ROOT_SECONDS, WITHOUT_ROOT_SECONDS = 5.0, 30.0
SLOWEST, SLOW_SECONDS, SAMPLE_RATIO = 5, 3600.0, 0.1
BURST, PER_SECOND = 10, 1.0
MOST_SPANS = 1000
KEPT, DROPPED = ("cited", "error", "slow", "sample"), ("not_selected", "rate_limited", "outpaced")
NOT_STORED = ("trace_dropped", "trace_limit", "late", "no_trace_id")


class Endpoint(NamedTuple):
    service: str
    method: str
    route: str


@dataclass(eq=False)
class Held:
    """A trace that is waited for, or kept."""

    trace_id: bytes
    first_at: float
    trace: Trace = field(default_factory=Trace)
    root: Sent | None = None
    root_at: float | None = None
    """When its first local root came, if that was before the decision."""
    spans: int = 0
    """How many are stored."""
    reason: str = ""
    otherwise: str = ""
    kept_at: float = 0.0
    cited: bool = False

    def add(self, sent: Sent) -> None:
        self.trace.add(sent)
        if sent.is_local_root and (self.root is None or _order_of(sent) < _order_of(self.root)):
            self.root = sent

    @property
    def stored(self) -> list[Sent]:
        """The first spans, and the root."""
        stored = self.trace.spans[: self.spans]
        if self.root is not None and self.root not in stored:
            stored[-1] = self.root
        return stored

    @property
    def missing(self) -> int:
        return len(self.trace.spans) - self.spans

    @property
    def name(self) -> str:
        """That of its local root, as it is shown."""
        return str(REDACT("span.name", self.root.span.name))[:256] if self.root else ""

    @property
    def endpoint(self) -> Endpoint:
        return _endpoint_of(self.root) if self.root else Endpoint("", "", "(no root)")

    def failed(self, rules: Rules) -> bool:
        return any(
            sent.failed and not (rules.handled_traces and is_handled(sent, self.trace)) for sent in self.trace.spans
        )


class KeptTraces:
    """The trace store: traces that wait, and those that were kept."""

    def __init__(self, rules: Rules) -> None:
        self.kept: dict[bytes, Held] = {}
        self.undecided: dict[bytes, Held] = {}
        self._rooted: list[Held] = []
        """Those of which a local root came, in this order."""
        self._rules = rules
        self._dropped: set[bytes] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._allowances: dict[tuple[str, Endpoint], tuple[float, float]] = {}

    def add(self, sent: Sent) -> None:
        trace_id, now = sent.trace_id, sent.received_at
        kept = self.kept.get(trace_id)
        if not trace_id:
            self._count_span("no_trace_id")
        elif kept is not None:
            self._add_late(kept, sent)
        elif trace_id in self._dropped:
            self._count_span("late")
        else:
            held = self.undecided.setdefault(trace_id, Held(trace_id, now))
            held.add(sent)
            if sent.is_local_root and held.root_at is None:
                held.root_at = now
                self._rooted.append(held)

    def decide(self, now: float, look: Callable[[Held], bool]) -> None:
        """Decide on what is due; `look` looks at a trace as findings do, and says whether one of them cites it."""
        due = [(held.root_at + AFTER_ROOT_SECONDS, held) for held in self._rooted if held.root_at is not None]
        without = [held for held in self.undecided.values() if held.root_at is None]
        due += [(held.first_at + WITHOUT_ROOT_SECONDS, held) for held in without]
        due = [(at, held) for at, held in due if at <= now]
        for _, held in due:
            held.cited = look(held)
        for _, held in due:
            del self.undecided[held.trace_id]
            if held.root_at is not None:
                self._rooted.remove(held)
            self._decide(held, now)

    def cite(self, trace_id: bytes) -> None:
        """A finding cites this trace from now on."""
        kept = self.kept.get(trace_id)
        if kept is not None and kept.reason != "cited":
            kept.otherwise, kept.reason = kept.reason, "cited"

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        for name, label, values in (
            ("sidecar_traces_kept_total", "kept", KEPT),
            ("sidecar_traces_dropped_total", "dropped", DROPPED),
            ("sidecar_spans_not_stored_total", "not_stored", NOT_STORED),
        ):
            for value in values:
                yield (name, (("reason", value),)), float(self._counts[label, value])

    def _count_span(self, reason: str, count: int = 1) -> None:
        self._counts["not_stored", reason] += count

    def _add_late(self, kept: Held, sent: Sent) -> None:
        kept.add(sent)
        if kept.spans < MOST_SPANS:
            kept.spans += 1
        else:
            self._count_span("trace_limit")

    def _decide(self, held: Held, now: float) -> None:
        outcome = self._outcome_of(held, now)
        if outcome in DROPPED and not held.cited:
            self._counts["dropped", outcome] += 1
            self._count_span("trace_dropped", len(held.trace.spans))
            self._dropped.add(held.trace_id)
            return
        held.otherwise = outcome if outcome in KEPT else ""
        held.reason, held.kept_at = "cited" if held.cited else outcome, now
        held.spans = min(len(held.trace.spans), MOST_SPANS)
        self._counts["kept", held.reason] += 1
        self._count_span("trace_limit", held.missing)
        self.kept[held.trace_id] = held

    def _outcome_of(self, held: Held, now: float) -> str:
        """Return why a trace is kept, or why not: failed ones, the slowest of each endpoint, then the sample."""
        limited = False
        if held.failed(self._rules):
            if self._allows("error", held.endpoint, held.first_at):
                return "error"
            limited = True
        if held.root is not None and self._is_slow(held, now):
            return "slow"
        if is_sampled(held.trace_id):
            if self._allows("sample", held.endpoint, held.first_at):
                return "sample"
            limited = True
        return "rate_limited" if limited else "not_selected"

    def _is_slow(self, held: Held, now: float) -> bool:
        """Whether it is one of the slowest of its endpoint; the one whose place it takes goes, or stays as a sample."""
        slowest = [other for other in self.kept.values() if other.reason == "slow" and other.endpoint == held.endpoint]
        if len(slowest) < SLOWEST:
            return True
        assert held.root is not None
        seconds = held.root.seconds
        outpaced = [other for other in slowest if _seconds(other) < seconds or now - other.kept_at >= SLOW_SECONDS]
        if not outpaced:
            return False
        gone = min(outpaced, key=_seconds)
        if is_sampled(gone.trace_id):
            gone.reason = "sample"
        else:
            del self.kept[gone.trace_id]
            self._dropped.add(gone.trace_id)
            self._counts["dropped", "outpaced"] += 1
        return True

    def _allows(self, reason: str, endpoint: Endpoint, at: float) -> bool:
        """Whether an endpoint may have one more: ten at once, and one each second, by when traces came (O24)."""
        left, since = self._allowances.get((reason, endpoint), (float(BURST), at))
        left = min(float(BURST), left + max(at - since, 0.0) * PER_SECOND)
        self._allowances[reason, endpoint] = (left - 1 if left >= 1 else left), max(at, since)
        return left >= 1


def is_sampled(trace_id: bytes) -> bool:
    return crc32(trace_id) < SAMPLE_RATIO * (1 << 32)


def _seconds(held: Held) -> float:
    return held.root.seconds if held.root else 0.0


def _order_of(root: Sent) -> tuple[bool, int, bytes]:
    """Of several local roots the first that nobody called names the trace, else the first."""
    return bool(root.parent_id), root.started_nano(), root.span_id


def _endpoint_of(root: Sent) -> Endpoint:
    return Endpoint(root.service, root.shape.method, root.shape.route)
