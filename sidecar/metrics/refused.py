"""Why data points are not taken, and how many were not."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.refusals import MOST_REASONS, Refusals

DROPPED = Family(
    "sidecar_otlp_metrics_dropped_total",
    MetricType.COUNTER,
    "Data points of received OTLP metrics that were dropped, by reason; a reason that is a setting is that limit.",
    ("reason",),
)


class Refused(StrEnum):
    """Reasons; those that are limits are called like their setting."""

    MAX_SAMPLES = "max_samples"
    MAX_SAMPLES_PER_RESOURCE = "max_samples_per_resource"
    MAX_METRICS = "max_metrics"
    MAX_SERIES_PER_METRIC = "max_series_per_metric"
    MAX_LABEL_CHARACTERS = "max_label_characters"
    NAME = "name"
    TYPE = "type"
    TAKEN = "taken"
    TEMPORALITY = "temporality"
    OUT_OF_ORDER = "out_of_order"
    SAME_LABELS = "same_labels"
    MALFORMED = "malformed"

    @property
    def is_limit(self) -> bool:
        """Whether it is a limit of what is kept, and not what the data point is."""
        return self.value.startswith("max_")


class Refusal(NamedTuple):
    """Why a data point is not taken; `detail` says what is wrong in words, which go on after the metric's name."""

    reason: Refused
    detail: str

    @staticmethod
    def by_limit(reason: Refused) -> "Refusal":
        """Return what is said when the limit `reason` is reached."""
        return Refusal(reason, f"is over the limit `{reason}`")


class RefusedPoints:
    """Counts what was refused, since the start and of the batch at hand."""

    def __init__(self) -> None:
        self.counts: Counter[Refused] = Counter()
        self._of_batch: Counter[Refused] = Counter()
        self._reasons: Counter[str] = Counter()

    def begin(self) -> None:
        """Begin with another batch."""
        self._of_batch.clear()
        self._reasons.clear()

    def add(self, metric: str, refused: Refusal, points: int) -> None:
        """Count data points of the metric that its sender calls `metric`."""
        self.counts[refused.reason] += points
        self._of_batch[refused.reason] += points
        text = f"`{metric}` {refused.detail}"
        if text in self._reasons or len(self._reasons) < MOST_REASONS:
            self._reasons[text] += points

    def of_batch(self) -> int:
        """Return how many there were in this batch, with the reasons."""
        if not self._of_batch:
            return 0
        limited = sum(count for reason, count in self._of_batch.items() if reason.is_limit)
        return Refusals.of(limited, self._of_batch.total() - limited, self._reasons)

    def families(self) -> FamilySamples:
        """Return the counts of all reasons, from zero."""
        counts = self.counts
        return FamilySamples(
            DROPPED, [Sample(DROPPED.name, (("reason", reason),), counts[reason]) for reason in Refused]
        )
