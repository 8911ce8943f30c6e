"""Log records by severity."""

from collections import Counter
from collections.abc import Iterator

from sidecar.codec.otlp.severity import SEVERITIES, severity_of
from sidecar.derive.limits import Budget, Limits
from sidecar.derive.series import SeriesTable
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.observe import ObservedLogs
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

LOG_RECORDS = Family(
    "sidecar_log_records_total",
    MetricType.COUNTER,
    "Log records received, by the range that their severity number, or else their severity text, is in.",
    ("service", "severity"),
)
OVERFLOWED = Family(
    "sidecar_logs_overflowed_total",
    MetricType.COUNTER,
    "Log records added to an overflow series, because their metric had reached its limit of services.",
    ("metric",),
)


class SeverityCounts:
    """Stage that counts log records by service and severity."""

    def __init__(self, config: OtlpLogsConfig) -> None:
        limits = Limits(config.max_services, len(SEVERITIES), samples_per_series=1, expire_after_seconds=0)
        budget = Budget(2 + config.max_services * len(SEVERITIES))
        self._table = SeriesTable("service", limits, budget)
        self._counts: list[int] = []

    def feed(self, logs: ObservedLogs) -> None:
        """Count the records of a batch."""
        for origin, records in logs.groups:
            for severity, count in Counter(map(severity_of, records)).items():
                row = self._table.row_of(origin.service, {"severity": severity})
                if row == len(self._counts):
                    self._counts.append(0)
                self._counts[row] += count

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the counts, and how many are in the overflow series; `now` does not matter."""
        pairs = zip(self._table.labels, self._counts, strict=True)
        lost = sum(self._counts[row] for row in self._table.overflow_rows)
        yield FamilySamples(LOG_RECORDS, [Sample(LOG_RECORDS.name, labels, count) for labels, count in pairs])
        yield FamilySamples(OVERFLOWED, [Sample(OVERFLOWED.name, (("metric", LOG_RECORDS.name),), lost)])
