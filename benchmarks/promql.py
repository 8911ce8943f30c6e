"""What queries cost our head and engine, beside Prometheus 2.42 on the same 20,000 series in the same run.

    scripts/bench promql [--series N] [--runs N] [--save] [--against REV]

An hour of samples at 15 s is pushed to Prometheus by remote write and put into the head of a process of its own that
has imported all of the sidecar. Each query is asked in turn of both: of Prometheus over HTTP, of us through the same
`Queries` as rules. Wall time is the median, CPU time the mean (Prometheus' is told in steps of 10 ms). Both answers
must have as many samples. Memory is the resident memory of both processes with the samples, after each kind of query,
and at most meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.against.figures import Figure, add_options, write
from benchmarks.hour.samples import COLUMNS, STEP_MS, scrape
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.runtime.clock import SystemClock
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.conformance.prometheus.server import Asked, PushedPrometheus

ROOT = Path(__file__).parent.parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
COLUMNS_A_PUSH = 20

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


@dataclass(frozen=True)
class Memory:
    """Resident megabytes of both at one moment, and at most since the moment before."""

    moment: str
    ours: float
    theirs: float
    ours_at_most: float
    theirs_at_most: float


class HeadProcess:
    """Our side: a process that holds the head and answers queries."""

    def __init__(self, series: int, end_ms: int) -> None:
        command = [sys.executable, "-m", "benchmarks.hour.head", str(series), str(end_ms)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.pid = self._process.pid
        self._answer()

    def load(self) -> None:
        """Have the samples put into the head."""
        self.ask()

    def ask(self, *question: Any) -> dict[str, Any]:
        """Return what the process says to a query and its time, or its start, end and step."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


class Bench:
    """Both sides with the same samples."""

    def __init__(self, ours: HeadProcess, theirs: PushedPrometheus, runs: int) -> None:
        self.ours = ours
        self.theirs = theirs
        self.runs = runs
        self.results: list[Result] = []
        self.memory: list[Memory] = []

    def weigh(self, moment: str) -> None:
        """Note how much memory both have, and begin anew to look for the most."""
        ours, theirs = memory_mb(self.ours.pid), memory_mb(self.theirs.pid)
        weighed = Memory(moment, ours[0], theirs[0], ours[1], theirs[1])
        self.memory.append(weighed)
        say(
            f"RSS MB, {moment}: {weighed.ours:.0f} / {weighed.theirs:.0f}, ratio {weighed.ours / weighed.theirs:.2f};"
            f" at most {weighed.ours_at_most:.0f} / {weighed.theirs_at_most:.0f},"
            f" ratio {weighed.ours_at_most / weighed.theirs_at_most:.2f}"
        )

    def compare(self, queries: Sequence[str], at: tuple[int, ...]) -> None:
        """Ask each of `queries` of both, at one time or at those of (start, end, step)."""
        with closing(Asked(self.theirs.port)) as asked:
            for query in queries:
                ours, theirs = [], []
                for _ in range(self.runs + 1):
                    theirs.append(ask_prometheus(asked, self.theirs.pid, query, at))
                    ours.append(self.ours.ask(query, *at))
                    counts = ours[-1]["samples"], theirs[-1]["samples"]
                    assert counts[0] == counts[1], f"{query}: {counts[0]} samples here, {counts[1]} there"
                steps = 1 if len(at) == 1 else COLUMNS
                self.results.append(result_of(query, steps, ours[1:], theirs[1:]))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    add_options(parser)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    end_ms = round(SystemClock().now()) * 1000 // STEP_MS * STEP_MS
    at_ms = end_ms + 1000  # off the grid: windows of 2.42 are closed
    if options.alone:
        write(options.figures, alone(options.series, options.runs, end_ms, at_ms))
        return
    with both_sides(options.series, end_ms) as (ours, theirs):
        bench = Bench(ours, theirs, options.runs)
        bench.weigh("before")
        push(theirs, options.series, end_ms)
        ours.load()
        bench.weigh("with the samples")
        say(f"{'wall ms':>8} {'theirs':>8} {'ratio':>6} {'CPU ms':>8} {'theirs':>8} {'ratio':>6}  query")
        bench.compare(INSTANT, (at_ms,))
        bench.weigh("after instant queries")
        bench.compare(RANGE, steps_until(at_ms))
        bench.weigh("after range queries")
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(bench, load_before)
    write(options.figures, figures_of(bench))


def figures_of(bench: Bench) -> Iterator[Figure]:
    """Yield our figures out of a comparison."""
    for result in bench.results:
        where = f"{result.query} over {result.steps} steps" if result.steps > 1 else result.query
        yield Figure(f"{where}: ms", result.ours_ms)
        yield Figure(f"{where}: CPU ms", result.ours_cpu_ms)
    yield Figure("RSS MB at most", max(memory.ours_at_most for memory in bench.memory))


def steps_until(at_ms: int) -> tuple[int, int, int]:
    """Return start, end and step of the hour."""
    return at_ms - (COLUMNS - 1) * STEP_MS, at_ms, STEP_MS


def alone(series: int, runs: int, end_ms: int, at_ms: int) -> Iterator[Figure]:
    """Yield what each query costs us, and our memory, without a Prometheus beside."""
    with closing(HeadProcess(series, end_ms)) as ours:
        ours.load()
        yield Figure("RSS MB with the samples", memory_mb(ours.pid)[0])
        kinds: tuple[tuple[Sequence[str], tuple[int, ...]], ...] = ((INSTANT, (at_ms,)), (RANGE, steps_until(at_ms)))
        for queries, at in kinds:
            for query in queries:
                asked = [ours.ask(query, *at) for _ in range(runs + 1)][1:]
                where = f"{query} over {COLUMNS} steps" if len(at) > 1 else query
                yield Figure(f"{where}: ms", median(run["wall"] for run in asked) * 1000)
                yield Figure(f"{where}: CPU ms", mean(run["cpu"] for run in asked) * 1000)
        yield Figure("RSS MB at most", memory_mb(ours.pid)[1])


ANY_NAME = Matcher("__name__", MatchOp.NOT_EQUAL, "")


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def both_sides(series: int, end_ms: int) -> Iterator[tuple[HeadProcess, PushedPrometheus]]:
    """Run our process and a Prometheus, both without samples."""
    with (
        tempfile.TemporaryDirectory() as folder,
        PushedPrometheus(Path(folder)) as prometheus,
        closing(HeadProcess(series, end_ms)) as head,
    ):
        yield head, prometheus


def push(prometheus: PushedPrometheus, series: int, end_ms: int) -> None:
    """Push the hour to Prometheus, some scrapes at a time."""
    for first in range(0, COLUMNS, COLUMNS_A_PUSH):
        head = Head(HeadConfig())
        for column in range(first, first + COLUMNS_A_PUSH):
            head.accept(scrape(series, column, end_ms))
        prometheus.push(head.select([ANY_NAME], 0, end_ms))


def result_of(query: str, steps: int, ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> Result:
    """Return the result of some runs, told to the reader."""
    result = Result(
        query=query,
        steps=steps,
        samples=ours[0]["samples"],
        ours_ms=median(run["wall"] for run in ours) * 1000,
        theirs_ms=median(run["wall"] for run in theirs) * 1000,
        ours_cpu_ms=mean(run["cpu"] for run in ours) * 1000,
        theirs_cpu_ms=mean(run["cpu"] for run in theirs) * 1000,
    )
    where = f" over {steps} steps" if steps > 1 else ""
    say(
        f"{result.ours_ms:>8.1f} {result.theirs_ms:>8.1f} {result.ours_ms / result.theirs_ms:>6.2f}"
        f" {result.ours_cpu_ms:>8.1f} {result.theirs_cpu_ms:>8.1f}"
        f" {result.ours_cpu_ms / (result.theirs_cpu_ms or inf):>6.2f}  {query}{where}"
    )
    return result


def ask_prometheus(asked: Asked, pid: int, query: str, at: tuple[int, ...]) -> dict[str, Any]:
    """Return wall and CPU seconds, and how many samples the answer has."""
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    if len(at) == 1:
        asked.instant(query, *at)
    else:
        asked.range(query, *at)
    answer = asked.answer()
    wall, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    assert answer["status"] == "success", answer
    samples = sum(len(series.get("values", (0,))) for series in answer["data"]["result"])
    return {"wall": wall, "cpu": used, "samples": samples}


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that process `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of process `pid`, and the most it had since this was asked last."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {
        name: int(value.split()[0])
        for name, _, value in (line.partition(":") for line in lines)
        if "RSS" in name or "HWM" in name
    }
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return kilobytes["VmRSS"] * 1024 / 1e6, kilobytes["VmHWM"] * 1024 / 1e6


def save(bench: Bench, load_before: float) -> None:
    """Write the figures beside earlier ones."""
    now = datetime.now(UTC)
    path = ROOT / "benchmarks" / "results" / f"{now:%Y-%m-%d}-promql.json"
    facts = {"time": now.isoformat(timespec="seconds"), "load_average": load_before, "processors": os.cpu_count()}
    figures = {"rss_mb": [asdict(row) for row in bench.memory], "results": [asdict(row) for row in bench.results]}
    path.write_text(json.dumps({**facts, **figures}, indent=1) + "\n")
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
