"""The families about a scrape of Redis itself: whether it worked and how long it took."""

from collections.abc import Iterable
from dataclasses import dataclass

from sidecar.collect.redis.lists import NAMES_SUMMED
from sidecar.collect.runner import Scrape
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

UP = Family("redis_up", MetricType.GAUGE, "1 when the server answered the last scrape.")
ERROR = Family(
    "redis_exporter_last_scrape_error",
    MetricType.GAUGE,
    "1 when the last scrape failed; the label is the kind of error, its text is in the log.",
    ("err",),
)
SCRAPES = Family("redis_exporter_scrapes_total", MetricType.COUNTER, "Scrapes of the server, good or bad.")
LAST_DURATION = Family("redis_exporter_last_scrape_duration_seconds", MetricType.GAUGE, "Time the last scrape took.")
CONNECT_TIME = Family(
    "redis_exporter_last_scrape_connect_time_seconds",
    MetricType.GAUGE,
    "Time connecting took in the last scrape; 0: the connection was still open.",
)
DURATION = Family("redis_exporter_scrape_duration_seconds", MetricType.SUMMARY, "Time all scrapes took.")
PING_TIME = Family(
    "redis_exporter_last_scrape_ping_time_seconds",
    MetricType.GAUGE,
    "Time the server took to answer PING in the last scrape; measured when `ping` is set.",
)
INFO_TIME = Family(
    "sidecar_redis_info_round_trip_seconds",
    MetricType.GAUGE,
    "Time from asking for INFO to having it, in the last scrape.",
)
SECTION_SUCCESS = Family(
    "sidecar_redis_section_success", MetricType.GAUGE, "1 when the section was understood.", ("section",)
)

FAMILIES = (
    UP,
    ERROR,
    SCRAPES,
    LAST_DURATION,
    CONNECT_TIME,
    DURATION,
    PING_TIME,
    INFO_TIME,
    SECTION_SUCCESS,
    NAMES_SUMMED,
)


@dataclass(slots=True)
class Timing:
    """How long the steps of one scrape took; None for what was not done or not answered."""

    connect_seconds: float = 0.0
    ping_seconds: float | None = None
    info_seconds: float | None = None


class Summary:
    """Sums up the scrapes of one target."""

    def __init__(self) -> None:
        self._scrapes = 0
        self._seconds = 0.0

    def families(self, scrape: Scrape, duration_seconds: float, timing: Timing) -> Iterable[FamilySamples]:
        """Count one more scrape and return what is known, also of one that found nobody."""
        self._scrapes += 1
        self._seconds += duration_seconds
        yield _one(UP, float(scrape.up))
        error = Sample(ERROR.name, labels_of({"err": scrape.error_kind}), float(bool(scrape.error)))
        yield FamilySamples(ERROR, [error])
        yield _one(SCRAPES, float(self._scrapes))
        yield _one(LAST_DURATION, duration_seconds)
        yield _one(CONNECT_TIME, timing.connect_seconds)
        if timing.ping_seconds is not None:
            yield _one(PING_TIME, timing.ping_seconds)
        if timing.info_seconds is not None:
            yield _one(INFO_TIME, timing.info_seconds)
        totals = (("_sum", self._seconds), ("_count", float(self._scrapes)))
        yield FamilySamples(DURATION, [Sample(DURATION.name + suffix, (), value) for suffix, value in totals])
        samples = [
            Sample(SECTION_SUCCESS.name, (("section", name),), float(result.success))
            for name, result in scrape.results.items()
        ]
        yield FamilySamples(SECTION_SUCCESS, samples)


def _one(family: Family, value: float) -> FamilySamples:
    return FamilySamples(family, [Sample(family.name, (), value)])
