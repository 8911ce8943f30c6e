"""Failed spans by the type of their exception."""

from collections.abc import Iterator, Sequence

from sidecar.codec.otlp.attributes import Value, attributes_of, events_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.span import SpanMessage
from sidecar.spans.config import SpansConfig
from sidecar.spans.series import OVERFLOWED, Limits, SeriesTable, overflowed
from sidecar.spans.shape import ObservedSpans, label_value

NO_EXCEPTION = "(no exception)"
REMEMBERED = 10_000
"""Exceptions remembered to recognise the same one on an outer span: a few seconds of a bad time, 2 MB."""

ERRORS = Family(
    "sidecar_errors_total", MetricType.COUNTER, "Exceptions recorded on failed spans, by type.", ("service", "type")
)


class ErrorCounts:
    """Stage that counts the exceptions of failed spans.

    An exception passes through several spans on its way up and is recorded on each of them: within one trace the same
    type and message count once. A failed span without an exception counts under its `error.type`, else as
    `(no exception)`, likewise once a trace. What is recognised as the same reaches back over the last 10,000 errors.
    """

    def __init__(self, config: SpansConfig) -> None:
        self._table = SeriesTable("service", Limits(config.max_services, config.max_error_types_per_service))
        self._counts: list[int] = []
        self._recent: dict[tuple[bytes, str, int], None] = {}

    def feed(self, spans: ObservedSpans) -> None:
        """Count the errors of a batch."""
        for service, span in spans.failed:
            for kind, message in _errors_of(span):
                if self._is_new((span.trace_id, kind, hash(message))):
                    self._count(service, kind)

    def samples(self, now: float) -> Sequence[FamilySamples]:
        """Return the counts; `now` does not matter."""
        pairs = zip(self._table.labels, self._counts, strict=True)
        lost = sum(self._counts[row] for row in self._table.overflow_rows)
        return (
            FamilySamples(ERRORS, [Sample(ERRORS.name, labels, count) for labels, count in pairs]),
            FamilySamples(OVERFLOWED, [overflowed(ERRORS.name, lost)]),
        )

    def _count(self, service: str, kind: str) -> None:
        row = self._table.row_of(service, {"type": kind})
        if row == len(self._counts):
            self._counts.append(0)
        self._counts[row] += 1

    def _is_new(self, identity: tuple[bytes, str, int]) -> bool:
        if identity in self._recent:
            return False
        if len(self._recent) >= REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._recent[identity] = None
        return True


def _errors_of(span: SpanMessage) -> Iterator[tuple[str, str]]:
    """Yield type and message of each exception of `span`, else one pair with an empty message."""
    found = False
    for name, attributes in events_of(span):
        if name == "exception":
            found = True
            yield _type(attributes.get("exception.type")), str(attributes.get("exception.message", ""))
    if not found:
        yield _type(attributes_of(span.attributes).get("error.type")), ""


def _type(value: Value) -> str:
    return label_value(str(value)) if value else NO_EXCEPTION
