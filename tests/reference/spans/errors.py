"""Errors: which failures of spans are one, how many there were of each type, and their groups."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sidecar.fingerprint.exception_type import type_name
from sidecar.fingerprint.stack import ErrorText, grouping_of
from sidecar.spans.exceptions import NO_EXCEPTION, UNKNOWN, Reported
from tests.reference.spans.rules import Rules
from tests.reference.spans.sent import CALLED, REDACT, SERVER, Sent
from tests.reference.spans.series import Counted, Labels, LimitedSeries
from tests.reference.spans.trace import Trace, traces_of

EXAMPLES, EXAMPLE_SECONDS = 5, 10.0
GROUPS_OF_A_TRACE = 16


class Told(NamedTuple):
    """An error: the span that failed, and what it or another span on the way tells of it."""

    sent: Sent
    reported: Reported

    @property
    def type(self) -> str:
        """The type as it may be shown: one that is a secret as a whole is masked before its parts are looked at."""
        told = REDACT.label(self.reported.told)
        is_shown = told == self.reported.told
        return str(REDACT.label(self.reported.type if is_shown else type_name(told, self.sent.language)))

    @property
    def text(self) -> ErrorText:
        """All that is told; only its `language` is asked for of where it is from."""
        return self.reported.text(self.sent)._replace(type=self.type)  # type: ignore[arg-type]


@dataclass
class Group:
    """Errors that are one problem."""

    id: str
    service: str
    type: str
    first_seen: float
    last_seen: float = 0.0
    count: float = 0.0
    releases: dict[str, float] = field(default_factory=dict)
    examples: list[tuple[str, str]] = field(default_factory=list)
    """Traces and spans, in hexadecimal: the first and the latest four, at least ten seconds apart."""
    example_at: float = 0.0

    def add(self, told: Told) -> None:
        sent = told.sent
        self.last_seen = max(self.last_seen, sent.received_at)
        self.count += sent.weight
        if sent.release:
            self.releases[sent.release] = self.releases.get(sent.release, 0.0) + sent.weight
        happened = _ended_at(sent)
        if not self.examples or happened - self.example_at >= EXAMPLE_SECONDS:
            self.examples.append((sent.trace_id.hex(), sent.span_id.hex()))
            self.example_at = happened
            if len(self.examples) > EXAMPLES:
                del self.examples[1]


class Errors:
    """All errors of the spans that came."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._bodies: list[list[Sent]] = []

    def add(self, body: list[Sent]) -> None:
        self._bodies.append(body)

    def told(self) -> Iterator[Told]:
        """Yield each error once."""
        spans = [sent for body in self._bodies for sent in body]
        if self._rules.errors_by_line:
            traces = traces_of(spans)
            of_traces = [told for trace in traces.values() for told in errors_of(trace, self._rules)]
            alone = [Told(sent, it) for sent in spans if sent.failed and not sent.trace_id for it in sent.exceptions]
            yield from sorted([*of_traces, *alone], key=lambda told: told.sent.received_at)
        else:
            # of a body, spans that are neither served nor called are looked at first
            in_order = [sorted(body, key=lambda sent: sent.is_counted) for body in self._bodies]
            yield from _first_of_trace(sent for body in in_order for sent in body)

    def groups(self) -> dict[str, Group]:
        """Return the groups by their id."""
        groups: dict[str, Group] = {}
        for told in self.told():
            made = _group_of(told)
            groups.setdefault(made.id, made).add(told)
        return groups

    def groups_of_traces(self) -> dict[bytes, tuple[str, ...]]:
        """Return the first groups of each trace."""
        found: dict[bytes, dict[str, None]] = {}
        for told in self.told():
            if told.sent.trace_id:
                found.setdefault(told.sent.trace_id, {})[_group_of(told).id] = None
        return {trace_id: tuple(ids)[:GROUPS_OF_A_TRACE] for trace_id, ids in found.items()}

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        counted = Counted("sidecar_errors_total", LimitedSeries(per_service=100))
        for told in self.told():
            counted.add(told.sent.service, {"type": told.type}, told.sent.weight)
        yield from counted.samples()
        yield ("sidecar_error_groups_new_total", ()), float(len(self.groups()))


def _first_of_trace(spans: Iterable[Sent]) -> Iterator[Told]:
    """Yield the errors of `spans`, of one trace each type and message once."""
    known = set[tuple[object, ...]]()
    for sent in spans:
        for reported in sent.exceptions if sent.failed else ():
            key = sent.trace_id, reported.type, reported.attributes.get(b"exception.message")
            if not sent.trace_id or key not in known:
                known.add(key)
                yield Told(sent, reported)


def errors_of(trace: Trace, rules: Rules) -> Iterator[Told]:
    """Yield the errors of a trace: along a line of callers within one service a failure is one.

    An exception is the innermost span's that tells it. A failed span that tells none stands for a failure of its own
    if nothing that it called failed, and no caller tells an exception; or one does, and the span itself says of
    something else that it failed. `rules` says whether what was handled is left out.
    """
    failed = [sent for sent in trace.spans if sent.failed and not (rules.handled_below_4xx and is_handled(sent, trace))]
    lines = {id(sent): [caller for caller in trace.line_up(sent) if caller in failed] for sent in failed}
    for sent in failed:
        below = [other for other in failed if sent in lines[id(other)]]
        if sent.tells_exceptions:
            yield from _innermost(sent, below, lines[id(sent)])
        elif not below and not _is_told_above(sent, lines[id(sent)]):
            yield Told(sent, sent.exceptions[0])


def is_handled(sent: Sent, trace: Trace) -> bool:
    """Whether it is work within a request that was answered 4xx, which is no failure of who serves it."""
    root = trace.local_root(sent)
    if root is None or root is sent or root.kind != SERVER or root.failed or sent.kind in CALLED:
        return False
    return root.shape.http is not None and 400 <= root.shape.http.status_code < 500


def _innermost(sent: Sent, below: list[Sent], above: list[Sent]) -> Iterator[Told]:
    """Yield the exceptions of `sent` that no span below tells; as a span above tells them, if that says more."""
    seen = set[tuple[str, int]]()
    told_below = [(other, told) for other in below if other.tells_exceptions for told in other.exceptions]
    for reported in sent.exceptions:
        key = reported.type, reported.message_key
        if key in seen or any(_is_same(sent, reported, *other) for other in told_below):
            continue
        seen.add(key)
        tellings = [(sent, reported)]
        tellings += [
            (caller, told)
            for caller in above
            if caller.tells_exceptions
            for told in caller.exceptions
            if _is_same(sent, reported, caller, told)
        ]
        yield Told(sent, max(tellings, key=lambda telling: _says(telling[1]))[1])


def _says(reported: Reported) -> tuple[bool, bool]:
    return b"exception.stacktrace" in reported.attributes, reported.type not in (UNKNOWN, NO_EXCEPTION)


def _is_same(sent: Sent, reported: Reported, other: Sent, told: Reported) -> bool:
    """Whether two spans tell the same: type and message, or a text that both have as message or as their status'."""
    if (reported.type, reported.message_key) == (told.type, told.message_key):
        return True
    return bool(_texts(sent, reported) & _texts(other, told))


def _texts(sent: Sent, reported: Reported) -> set[str]:
    return {text for text in (_message_of(sent, reported), sent.span.status.message) if text}


def _message_of(sent: Sent, reported: Reported) -> str:
    return reported._replace(status="").text(sent).message  # type: ignore[arg-type]


def _is_told_above(sent: Sent, above: list[Sent]) -> bool:
    """Whether a caller tells an exception that this failure, of which no exception is known, may be.

    It is where the status or `error.type` says the same, and where the span says nothing at all of what failed.
    """
    telling = [(caller, told) for caller in above if caller.tells_exceptions for told in caller.exceptions]
    said = {pair.key: pair.value.string_value for pair in sent.span.attributes}
    status, kind = sent.span.status.message, said.get("error.type", "")
    if status:
        return any(status in f"{_message_of(caller, told)}\n{caller.span.status.message}" for caller, told in telling)
    if kind:
        return any(type_name(kind, sent.language) == told.type for _, told in telling)
    return bool(telling) and sent.shape.http is None and sent.shape.rpc is None


def _group_of(told: Told) -> Group:
    sent = told.sent
    grouping = grouping_of(sent.service, told.text, told.reported.explicit)
    return Group(grouping.fingerprint, sent.service, told.type, sent.received_at)


def _ended_at(sent: Sent) -> float:
    """When it ended; when it came, if it says what cannot be."""
    end = sent.span.end_time_unix_nano / 1e9
    return min(end, sent.received_at) if 631_152_000 <= end <= sent.received_at + 600 else sent.received_at
