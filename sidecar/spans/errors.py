"""Errors of spans and log records: counted by type, and brought to their groups."""

from collections.abc import Callable, Iterable, Iterator

from sidecar.codec.otlp.severity import tells_of_an_error
from sidecar.codec.peer.times import happened_at
from sidecar.derive.limits import Budget
from sidecar.derive.origin import Origin
from sidecar.fingerprint.exception_type import type_name
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.log import LogMessage
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.counted import CountedSeries
from sidecar.spans.error_groups.store import ErrorGroups, Occurrence
from sidecar.spans.exceptions import Ids, Recognition, Reported, Source, exception_of_log, ids_of
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.failures import errors_of
from sidecar.spans.window.window import Window

STACK_CHARACTERS = 64 << 10
"""Characters of stack traces that are looked at in a batch, 3 ms: a batch of nothing else has 256 KB."""

NEW_GROUP_CHARACTERS = 1000
"""What a new group counts as, besides its stack trace: there are 65 of them in a batch at most, 5 ms."""

ERRORS = Family(
    "sidecar_errors_total",
    MetricType.COUNTER,
    "Exceptions of failed spans and of log records, each counted once, by type.",
    ("service", "type"),
)
UNGROUPED = Family(
    "sidecar_errors_ungrouped_total",
    MetricType.COUNTER,
    "Errors that are counted but came to no group, because there were too many stack traces at once.",
)

HANDLED = Family(
    "sidecar_errors_handled_total",
    MetricType.COUNTER,
    "Exceptions within requests that were answered with a status of 4xx; they are no errors.",
)


def error_counts(context: StageContext) -> "ErrorCounts":
    """Return the stage."""
    insights = context.insights
    return ErrorCounts(context.config, context.budget, insights.errors, context.window, insights.wall)


class ErrorCounts:
    """Judge that counts the errors of failed spans, and stage that counts those of log records; both come to groups.

    A failed span without an exception counts under its `error.type`, else under a code in its status text, else as
    `(unknown)` or `(no exception)`. Of a sampled trace an error stands for as many as its span does.
    """

    def __init__(
        self,
        config: SpansConfig,
        budget: Budget,
        groups: ErrorGroups,
        window: Window,
        wall: Callable[[float], float] = float,
    ) -> None:
        self._wall = wall
        limits = config.limits(samples_per_series=1)._replace(series_per_service=config.max_error_types_per_service)
        self._counts = CountedSeries(ERRORS, limits, budget)
        self._groups = groups
        self._recognition = Recognition()
        self._room = STACK_CHARACTERS
        self._ungrouped = self._handled = 0
        self._window = window
        self._window.tell(self)

    def feed(self, spans: ObservedSpans) -> None:
        """Do nothing: a failure may have been told by a span that is yet to come."""

    def judge(self, due: DueSpans, now: float) -> None:
        """Count the errors of failed spans."""
        self._room = STACK_CHARACTERS
        for error in errors_of(due):
            failure = error.failure
            if error.is_handled:
                self._handled += 1
            elif self._recognition.is_new(Source.EVENT, failure.ids, error.reported, error.also):
                times = failure.happened, failure.came_at
                self._take(failure.origin, error.reported, failure.ids, times, failure.weight)

    def feed_logs(self, origin: Origin, records: Iterable[LogMessage], received_at: float) -> None:
        """Count the exceptions that log records of `origin` are about, those of severity ERROR and above."""
        self._room = STACK_CHARACTERS
        for record in records:
            reported = exception_of_log(record.attributes, origin.language) if tells_of_an_error(record) else None
            ids = ids_of(record)
            if reported and self._recognition.is_new(Source.LOG, ids, reported):
                happened = happened_at(self._wall(received_at), record.time_unix_nano, record.observed_time_unix_nano)
                self._take(origin, reported, ids, (happened, received_at), 1.0)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts and what is known about groups at Unix time `now`."""
        while self._window.tick(now):
            yield FamilySamples(ERRORS, [])
        yield from self._counts.samples(now)
        yield from self._groups.samples(now)
        yield FamilySamples(UNGROUPED, [Sample(UNGROUPED.name, (), self._ungrouped)])
        yield FamilySamples(HANDLED, [Sample(HANDLED.name, (), self._handled)])

    def _type_of(self, reported: Reported, language: str) -> str:
        """Return the type as it may be shown: what is a secret as a whole is masked before its parts are looked at."""
        label = self._groups.redactor.label
        told = label(reported.told)
        return label(reported.type if told == reported.told else type_name(told, language))

    def _take(self, origin: Origin, reported: Reported, ids: Ids, times: tuple[float, float], weight: float) -> None:
        happened, now = times
        kind = self._type_of(reported, origin.language)
        self._counts.add(origin.service, {"type": kind}, weight, now)
        if self._room <= 0:
            self._ungrouped += 1
            return
        error = reported.text(origin)._replace(type=kind)
        before = self._groups.opened
        self._groups.add(
            Occurrence(origin.service, origin.release, error, reported.explicit, *ids, happened, weight), now
        )
        self._room -= len(error.stack) + NEW_GROUP_CHARACTERS * (self._groups.opened - before)
