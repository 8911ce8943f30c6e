"""What queries cost our head and engine, beside Prometheus 2.42 on the same 20,000 series in the same run.

    scripts/bench promql [--series N] [--runs N] [--save]

An hour of samples at 15 s is pushed to Prometheus by remote write and put into a head. Each query is asked in turn of
both: of Prometheus over HTTP, of us through the same `Queries` as rules. Wall time is the median, CPU time the mean
(Prometheus' is told in steps of 10 ms); RSS is of each process at the end. Both answers must have as many samples.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from statistics import mean, median
from typing import Any

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.promql.config import PromqlConfig
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.queries import Queries
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.conformance.prometheus.server import Asked, PushedPrometheus

ROOT = Path(__file__).parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
COLUMNS, STEP_MS = 240, 15_000
COLUMNS_A_PUSH = 20
TARGET = labels_of({"job": "shop", "instance": "pod-1"})
REQUESTS = Family("http_requests_total", MetricType.COUNTER, "Requests.")
DURATION = Family("http_duration_seconds", MetricType.HISTOGRAM, "Durations.")
EDGES = ("0.1", "0.5", "1", "5", "+Inf")

INSTANT = (
    "sum by (route)(rate(http_requests_total[5m]))",
    "topk(10, rate(http_requests_total[5m]))",
    'sum(rate(http_requests_total{route=~"/r1.*"}[5m]))',
    "sum by (route, code)(rate(http_requests_total[5m])) / on (route) group_left sum by (route)"
    "(rate(http_requests_total[5m]))",
    "histogram_quantile(0.95, sum by (route, le)(rate(http_duration_seconds_bucket[5m])))",
    "max_over_time(sum by (route)(rate(http_requests_total[5m]))[30m:1m])",
)
RANGE = (INSTANT[0], INSTANT[4])


@dataclass(frozen=True)
class Result:
    """One query, ours and theirs."""

    query: str
    steps: int
    samples: int
    ours_ms: float
    theirs_ms: float
    ours_cpu_ms: float
    theirs_cpu_ms: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, PushedPrometheus(Path(folder)) as prometheus:
        end_ms = round(SystemClock().now()) * 1000 // STEP_MS * STEP_MS
        head = Head(HeadConfig())
        for columns in pushes(options.series, end_ms):
            for batch in columns:
                head.accept(batch)
            start_ms = columns[0].time_ms
            prometheus.push(head.select([ANY_NAME], start_ms - 1, columns[-1].time_ms))
        say(f"loaded: our RSS {rss_mb(os.getpid()):.0f} MB, Prometheus {rss_mb(prometheus.pid):.0f} MB")
        results = asyncio.run(compare(head, prometheus, end_ms, options.runs))
        memory = {"ours": rss_mb(os.getpid()), "theirs": rss_mb(prometheus.pid)}
        say(f"asked: our RSS {memory['ours']:.0f} MB, Prometheus {memory['theirs']:.0f} MB")
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(results, memory, load_before)


ANY_NAME = Matcher("__name__", MatchOp.NOT_EQUAL, "")


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def pushes(series: int, end_ms: int) -> Iterator[Sequence[SampleBatch]]:
    """Yield the scrapes of an hour, some at a time: half are counters, the other half buckets of histograms."""
    counters = [labels_of({"route": f"/r{i % 100}", "code": str(200 + i // 100)}) for i in range(series // 2)]
    buckets = [
        labels_of({"route": f"/r{i % 100}", "pod": f"p{i // 100}", "le": edge})
        for i in range(series // 2 // len(EDGES))
        for edge in EDGES
    ]
    for first in range(0, COLUMNS, COLUMNS_A_PUSH):
        yield [
            batch(column, counters, buckets, end_ms - (COLUMNS - 1 - column) * STEP_MS)
            for column in range(first, first + COLUMNS_A_PUSH)
        ]


def batch(column: int, counters: Sequence[Any], buckets: Sequence[Any], time_ms: int) -> SampleBatch:
    """Return one scrape."""
    requests = [Sample(REQUESTS.name, labels, float(column * (i % 7))) for i, labels in enumerate(counters)]
    durations = [
        Sample(f"{DURATION.name}_bucket", labels, float(column * (1 + i % len(EDGES))))
        for i, labels in enumerate(buckets)
    ]
    families = [FamilySamples(REQUESTS, requests), FamilySamples(DURATION, durations)]
    return SampleBatch("app", time_ms, TARGET, families)


async def compare(head: Head, prometheus: PushedPrometheus, end_ms: int, runs: int) -> list[Result]:
    """Ask every query of both, printing as it goes."""
    queries = Queries(head, SystemClock(), PromqlConfig(), STEP_MS / 1000)
    at_ms = end_ms + 1000  # off the grid: windows of 2.42 are closed
    ends = (at_ms - (COLUMNS - 1) * STEP_MS, at_ms, STEP_MS)
    say(f"{'wall ms':>8} {'theirs':>8} {'ratio':>6} {'CPU ms':>8} {'theirs':>8} {'ratio':>6}  query")
    results = []
    with closing(Asked(prometheus.port)) as asked:
        for query, steps in [(query, 1) for query in INSTANT] + [(query, COLUMNS) for query in RANGE]:
            expr = parse(query)
            ours, theirs, samples = [], [], 0
            for _ in range(runs + 1):
                theirs.append(ask_prometheus(asked, prometheus.pid, query, None if steps == 1 else ends, at_ms))
                began, cpu = time.perf_counter(), time.process_time()
                answer = await (queries.instant(expr, at_ms) if steps == 1 else queries.range(expr, ends))
                ours.append((time.perf_counter() - began, time.process_time() - cpu))
                samples = theirs[-1][2]
                assert count(answer) == samples, f"{query}: {count(answer)} samples here, {samples} there"
            result = Result(
                query=query,
                steps=steps,
                samples=samples,
                ours_ms=median(wall for wall, _ in ours[1:]) * 1000,
                theirs_ms=median(wall for wall, _, _ in theirs[1:]) * 1000,
                ours_cpu_ms=mean(cpu for _, cpu in ours[1:]) * 1000,
                theirs_cpu_ms=mean(cpu for _, cpu, _ in theirs[1:]) * 1000,
            )
            results.append(result)
            say(
                f"{result.ours_ms:>8.1f} {result.theirs_ms:>8.1f} {result.ours_ms / result.theirs_ms:>6.2f}"
                f" {result.ours_cpu_ms:>8.1f} {result.theirs_cpu_ms:>8.1f}"
                f" {result.ours_cpu_ms / (result.theirs_cpu_ms or inf):>6.2f}  {query}"
                f"{f' over {steps} steps' if steps > 1 else ''}"
            )
    return results


def ask_prometheus(
    asked: Asked, pid: int, query: str, ends: tuple[int, int, int] | None, at_ms: int
) -> tuple[float, float, int]:
    """Return wall and CPU seconds, and how many samples the answer has."""
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    if ends is None:
        asked.instant(query, at_ms)
    else:
        asked.range(query, *ends)
    answer = asked.answer()
    wall, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    assert answer["status"] == "success", answer
    result = answer["data"]["result"]
    return wall, used, sum(len(series.get("values", (0,))) for series in result)


def count(answer: Any) -> int:
    """Return how many samples our answer has."""
    return sum(len(series.values) for series in answer.series) if isinstance(answer, Matrix) else len(answer.samples)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that process `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def rss_mb(pid: int) -> float:
    """Return the resident memory of process `pid`."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def save(results: Sequence[Result], memory: dict[str, float], load_before: float) -> None:
    """Write the figures beside earlier ones."""
    now = datetime.now(UTC)
    path = ROOT / "benchmarks" / "results" / f"{now:%Y-%m-%d}-promql.json"
    facts = {"time": now.isoformat(timespec="seconds"), "load_average": load_before, "processors": os.cpu_count()}
    rows = [asdict(result) for result in results]
    path.write_text(json.dumps({**facts, "rss_mb": memory, "results": rows}, indent=1) + "\n")
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
