"""Failed spans by the type of their exception."""

from collections.abc import Iterator

import numpy as np

from sidecar.codec.otlp.attributes import attributes_of, events_of, pick
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.span import SpanMessage
from sidecar.spans.calls import label_value
from sidecar.spans.config import SpansConfig
from sidecar.spans.limits import Budget, Limits
from sidecar.spans.series import OVERFLOWED, SeriesTable, grown, overflowed
from sidecar.spans.shape import ObservedSpans

NO_EXCEPTION = "(no exception)"
REMEMBERED = 10_000
"""Exceptions remembered to recognise the same one on an outer span: a few seconds of a bad time, 2 MB."""

_TYPE, _MESSAGE, _ERROR_TYPE = b"exception.type", b"exception.message", b"error.type"
_OF_EXCEPTION = frozenset({_TYPE, _MESSAGE})

ERRORS = Family(
    "sidecar_errors_total", MetricType.COUNTER, "Exceptions recorded on failed spans, by type.", ("service", "type")
)


class ErrorCounts:
    """Stage that counts the exceptions of failed spans.

    An exception passes through several spans on its way up and is recorded on each of them: within one trace the same
    type and message count once. A failed span without an exception counts under its `error.type`, else as
    `(no exception)`, likewise once a trace. What is recognised as the same reaches back over the last 10,000 errors.
    Of a sampled trace an error stands for as many as its span does.
    """

    def __init__(self, config: SpansConfig, budget: Budget) -> None:
        limits = Limits.of(config, samples_per_series=1)._replace(series_per_service=config.max_error_types_per_service)
        # Errors come late and are small: how much routes left of the budget must not decide whether they have a type.
        own = budget.split(min(config.max_services * config.max_error_types_per_service, config.max_samples // 10))
        self._table = SeriesTable("service", limits, own)
        self._counts = np.zeros(0)
        self._recent: dict[tuple[bytes, str, int], None] = {}

    def feed(self, spans: ObservedSpans) -> None:
        """Count the errors of a batch."""
        for service, span in spans.failed:
            for kind, message in _errors_of(span):
                if self._is_new((span.trace_id, kind, message)):
                    self._count(service, kind, adjusted_count(span.trace_state), spans.received_at)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts; `now` is when series may have expired.

        They are a thousand or so: one part, and all shown at once.
        """
        kept = self._table.expire(now)
        if kept is not None:
            self._counts = self._counts[kept]
        pairs = zip(self._table.labels, self._counts.tolist(), strict=False)
        yield FamilySamples(ERRORS, [Sample(ERRORS.name, labels, count) for labels, count in pairs])
        yield FamilySamples(OVERFLOWED, [overflowed(ERRORS.name, self._table.overflowed)])

    def _count(self, service: str, kind: str, weight: float, now: float) -> None:
        row = self._table.row_of(service, {"type": kind})
        self._counts = grown(self._counts, row + 1)
        self._counts[row] += weight
        self._table.touch(np.array([row]), now, np.array([weight]))

    def _is_new(self, identity: tuple[bytes, str, int]) -> bool:
        if identity in self._recent:
            return False
        if len(self._recent) >= REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._recent[identity] = None
        return True


def _errors_of(span: SpanMessage) -> Iterator[tuple[str, int]]:
    """Yield the type of each exception of `span` and what tells its message from others, else one such pair.

    Nothing but types is decoded: messages and stack traces are long.
    """
    found = False
    for name, attributes in events_of(span):
        if name == "exception":
            found = True
            picked = pick(attributes, _OF_EXCEPTION)
            yield _type(picked.get(_TYPE)), hash(picked.get(_MESSAGE))
    if not found:
        yield _type(pick(span.attributes, {_ERROR_TYPE}).get(_ERROR_TYPE)), 0


def _type(attribute: bytes | None) -> str:
    value = next(iter(attributes_of([attribute]).values()), None) if attribute else None
    return label_value(value) if value else NO_EXCEPTION
