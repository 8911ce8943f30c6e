"""Times the head and the PromQL engine on 20,000 series for an hour at 15 s: `python benchmarks/promql_engine.py`."""

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.parse import parse
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head

SERIES, COLUMNS, STEP_MS, START_MS = 20_000, 240, 15_000, 1_700_000_000_000
FAMILY = Family("http_requests_total", MetricType.COUNTER, "Requests.")
TARGET = labels_of({"job": "shop", "instance": "pod-1"})
KEYS = [labels_of({"route": f"/r{i % 100}", "code": str(200 + i // 100)}) for i in range(SERIES)]
END_MS = START_MS + (COLUMNS - 1) * STEP_MS
INSTANT = (
    "sum by (route)(rate(http_requests_total[5m]))",
    "sum(http_requests_total)",
    "topk(10, rate(http_requests_total[5m]))",
    "max_over_time(http_requests_total[5m])",
    'sum(rate(http_requests_total{route=~"/r1.*"}[5m]))',
    "rate(http_requests_total[5m]) / on (route, code) http_requests_total",
    "max_over_time(sum by (route)(rate(http_requests_total[5m]))[30m:1m])",
)


def batch(column: int) -> SampleBatch:
    """Return the samples of one scrape."""
    samples = [Sample("http_requests_total", labels, float(column * (i % 7))) for i, labels in enumerate(KEYS)]
    return SampleBatch("app", START_MS + column * STEP_MS, TARGET, [FamilySamples(FAMILY, samples)], up=True)


def timed(call: Callable[[], object], runs: int) -> dict[str, float]:
    """Return the first and the median milliseconds of `runs` calls after it."""
    times = []
    for _ in range(runs + 1):
        start = perf_counter()
        call()
        times.append((perf_counter() - start) * 1000)
    return {"first_ms": round(times[0], 2), "median_ms": round(median(times[1:]), 2)}


def main() -> None:
    """Print one JSON object per measurement."""
    head, appends = Head(HeadConfig()), []
    for column in range(COLUMNS):
        scrape = batch(column)
        start = perf_counter()
        head.accept(scrape)
        appends.append((perf_counter() - start) * 1000)
    say("append 20,000 samples", {"median_ms": round(median(appends), 2), "worst_ms": round(max(appends), 2)})
    for query in INSTANT:
        expr = parse(query)
        say(f"instant {query}", timed(partial(evaluate_instant, expr, head, END_MS + 1000), 9))
    for query in INSTANT[:1]:
        expr = parse(query)
        ends = END_MS - 239 * STEP_MS, END_MS
        say(f"range {query}", timed(partial(evaluate_range, expr, head, *ends, STEP_MS), 5))
    small = parse('sum(rate(http_requests_total{route="/r1"}[5m])) > 5')
    say("instant, 200 series", timed(partial(evaluate_instant, small, head, END_MS), 200))
    say("parse", timed(partial(parse, INSTANT[0]), 500))
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("memory", {"head_mb": round(head.bytes / 1e6, 1), "peak_rss_mb": round(rss, 1)})


def say(name: str, figures: dict[str, float]) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps({"name": name, **figures}) + "\n")


if __name__ == "__main__":
    main()
