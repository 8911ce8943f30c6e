"""An hour of a shop's samples, a scrape every 15 s: half of the series are counters, half buckets of histograms."""

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch

COLUMNS, STEP_MS = 240, 15_000
TARGET = labels_of({"job": "shop", "instance": "pod-1"})
REQUESTS = Family("http_requests_total", MetricType.COUNTER, "Requests.")
DURATION = Family("http_duration_seconds", MetricType.HISTOGRAM, "Durations.")
EDGES = ("0.1", "0.5", "1", "5", "+Inf")


def scrape(series: int, column: int, end_ms: int) -> SampleBatch:
    """Return one of COLUMNS scrapes, the last at `end_ms`; its label sets are its own, as of a page that was read."""
    families = [FamilySamples(REQUESTS, requests(series, column)), FamilySamples(DURATION, buckets(series, column))]
    return SampleBatch("app", end_ms - (COLUMNS - 1 - column) * STEP_MS, TARGET, families)


def requests(series: int, column: int) -> list[Sample]:
    """Return the counters."""
    return [
        Sample(REQUESTS.name, (("code", str(200 + i // 100)), ("route", f"/r{i % 100}")), float(column * (i % 7)))
        for i in range(series // 2)
    ]


def buckets(series: int, column: int) -> list[Sample]:
    """Return the buckets of all histograms."""
    return [
        Sample(
            f"{DURATION.name}_bucket",
            (("le", edge), ("pod", f"p{i // 100}"), ("route", f"/r{i % 100}")),
            float(column * (1 + number)),
        )
        for i in range(series // 2 // len(EDGES))
        for number, edge in enumerate(EDGES)
    ]
