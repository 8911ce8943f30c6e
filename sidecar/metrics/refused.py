"""Why data points are not taken, and how many were not."""

from collections import Counter
from enum import StrEnum

from sidecar.model.family import Family, FamilySamples, MetricType, Sample

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
    MALFORMED = "malformed"


def dropped(counts: Counter[Refused]) -> FamilySamples:
    """Return the counts of all reasons, from zero."""
    return FamilySamples(DROPPED, [Sample(DROPPED.name, (("reason", reason),), counts[reason]) for reason in Refused])
