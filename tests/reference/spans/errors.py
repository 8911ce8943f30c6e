"""Errors: which failures of spans are one, how many there were of each type, and their groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from sidecar.fingerprint.exception_type import type_name
from sidecar.fingerprint.stack import ErrorText, grouping_of
from sidecar.spans.exceptions import Reported
from tests.reference.spans.sent import REDACT, SERVER, WITHIN, Sent
from tests.reference.spans.series import Counted, Labels, LimitedSeries
from tests.reference.spans.trace import Trace, is_call

EXAMPLES, EXAMPLE_SECONDS = 5, 10.0
GROUPS_OF_A_TRACE = 16
WRAPPING = 10


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
        self.first_seen = min(self.first_seen, sent.received_at)
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
    """All errors of the spans that were judged."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._handled = 0

    def add(self, traces: Iterable[Trace]) -> None:
        """Take traces that are judged together: their errors as they came."""
        found = [(told, is_handled(told.sent, trace)) for trace in traces for told in errors_of(trace)]
        self._handled += sum(handled and told.reported.is_recorded for told, handled in found)
        errors = [told for told, handled in found if not (handled and told.reported.is_recorded)]
        self._told += sorted(errors, key=lambda told: (told.sent.received_at, told.sent.place))

    def told(self) -> Sequence[Told]:
        """Return each error once."""
        return self._told

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
        yield ("sidecar_errors_handled_total", ()), float(self._handled)


def errors_of(trace: Trace) -> Iterator[Told]:
    """Yield the errors of a trace, those too that were handled: along a line of callers a failure is one.

    O4, N3, Y4: an exception is the innermost span's that tells it; beside each other, or in two services, the same
    exceptions count each. O4, O21, N3, Y3: a failed span that tells none tells of a failure of its own where no span
    below it tells one, and it is not a part of what failed above. N3: one that was thrown again as another, which has
    its message, is that one; each such one stands for one below it.
    """
    failed = [sent for sent in trace.spans if sent.failed]
    lines = {id(sent): _failed_above(sent, trace) for sent in failed}
    known: set[tuple[bytes, str, int]] = set()
    told_below_of = {
        id(sent): {
            told.key
            for other in failed
            if sent in lines[id(other)] and other.tells_exceptions
            for told in other.exceptions
        }
        for sent in failed
    }
    wrapped = _wrapped(failed, lines, told_below_of)
    for sent in failed:
        below = [other for other in failed if sent in lines[id(other)] and other.tells_exceptions]
        told_below = told_below_of[id(sent)]
        if (below and not sent.tells_exceptions) or _is_told_above(sent, lines[id(sent)]):
            continue
        for reported in sent.exceptions:
            name = (sent.span_id, *reported.key)
            if reported.key not in told_below and name not in known and (id(sent), reported.key) not in wrapped:
                yield Told(sent, reported)
                known.update({name} if sent.trace_id and sent.span_id else ())


def _wrapped(
    failed: Sequence[Sent], lines: Mapping[int, list[Sent]], told_below: Mapping[int, set[tuple[str, int]]]
) -> set[tuple[int, tuple[str, int]]]:
    """Return the exceptions, each by its span and key, that a caller threw again as another one."""
    wrapped: set[tuple[int, tuple[str, int]]] = set()
    wrapping: set[tuple[int, tuple[str, int]]] = set()
    for sent in failed:
        for reported in sent.exceptions if sent.tells_exceptions else ():
            if reported.key in told_below[id(sent)]:
                continue
            for caller in lines[id(sent)][:WRAPPING]:
                outer = [
                    (id(caller), told.key)
                    for told in caller.exceptions
                    if told.key not in told_below[id(caller)]
                    and (id(caller), told.key) not in wrapping
                    and told.wraps(reported.type, reported.begins())
                ]
                if outer:
                    wrapping.add(outer[0])
                    wrapped.add((id(sent), reported.key))
                    break
    return wrapped


def _failed_above(sent: Sent, trace: Trace) -> list[Sent]:
    """Return the failed callers of `sent` within its request, as far as these are of its own service."""
    failed = (caller for caller in trace.callers_within(sent) if caller.failed)
    return list(takewhile(lambda caller: caller.service == sent.service, failed))


def is_handled(sent: Sent, trace: Trace) -> bool:
    """N16: whether it is work within a request that was answered 4xx, which is no failure of who serves it."""
    root = trace.request_of(sent)
    if root is None or root.shape.http is None or sent.kind not in (*WITHIN, SERVER):
        return False
    if root.failed and not root.tells_exceptions:
        return False
    return 400 <= root.shape.http.status_code < 500


def _is_told_above(sent: Sent, above: list[Sent]) -> bool:
    """Whether this failure, which no exception with a type tells, is a part of one above it.

    So it is of work within the process, where anything above failed; below an exception also of a call to a database,
    and of a span whose status has a text that the exception has.
    """
    if sent.tells_exceptions and not sent.exceptions[0].place:
        return False
    if above and not sent.tells_exceptions and sent.kind in WITHIN:
        return True
    telling = [told for caller in above if caller.tells_exceptions for told in caller.exceptions]
    text = sent.exceptions[0].status
    return bool(telling and is_call(sent)) or bool(text and any(text in _message_of(sent, told) for told in telling))


def _message_of(sent: Sent, reported: Reported) -> str:
    return reported._replace(status="").text(sent).message  # type: ignore[arg-type]


def _group_of(told: Told) -> Group:
    sent = told.sent
    grouping = grouping_of(sent.service, told.text, told.reported.explicit)
    return Group(grouping.fingerprint, sent.service, told.type, sent.received_at)


def _ended_at(sent: Sent) -> float:
    """When it ended; when it came, if it says what cannot be."""
    end = sent.span.end_time_unix_nano / 1e9
    return min(end, sent.received_at) if 631_152_000 <= end <= sent.received_at + 600 else sent.received_at
