"""Samples with everything that can go wrong: resets, gaps, failed scrapes, NaN, infinities, series that come and go.

Every value is a whole number or a quarter, so that sums are exact and comparisons do not hang on the last bit. Samples
lie some milliseconds off the full second: durations of whole seconds never reach from a full or another odd time
exactly to a sample, where the closed ranges of Prometheus 2 would have one more than the open ones of Prometheus 3.
Counters are far above what they grow in a range, resets included, because rate() in Prometheus 2 extrapolates to a
counter's zero in another way: https://github.com/prometheus/prometheus/pull/13725.
"""

import math
from collections.abc import Iterator
from random import Random

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import SeriesBlock
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head

START_MS = 1_760_000_000_000
MINUTES = 100
END_MS = START_MS + MINUTES * 60_000
FAMILY = Family("any", MetricType.UNTYPED, "Anything.")
BUCKETS = ("0.1", "0.5", "1", "2.5", "10", "+Inf")
AFTER_RESTART = (2_000_000, 500_000, 100_000, 30_000, 8_000)
PATHS = ("/", "/cart", "/pay")


class Target:
    """One target: when it is scraped, and what it says each time."""

    def __init__(self, job: str, instance: str, period_ms: int, phase_ms: int, seed: int) -> None:
        self.job, self.instance = job, instance
        self.times = range(START_MS + phase_ms, END_MS, period_ms)
        self.random = Random(seed)
        self.counters: dict[tuple[str, str], int] = {}
        self.size = 1000 * (seed + 1)

    def batch(self, time_ms: int, samples: list[Sample] | None) -> SampleBatch:
        """Return what a scrape brought; without samples it failed."""
        target = labels_of({"job": self.job, "instance": self.instance})
        families = [FamilySamples(FAMILY, samples)] if samples else []
        return SampleBatch(f"{self.job}/{self.instance}", time_ms, target, families, samples is not None)

    def samples(self, number: int) -> Iterator[Sample]:
        """Yield the samples of scrape `number`."""
        yield from self._requests(number)
        yield from self._latency()
        yield from self._gauges(number)
        yield from self._odd_values(number)
        if number % 40 < 25:  # comes and goes
            yield _sample("flapping", 100 + number % 7, part="a")
        if number > 150:  # appears late
            yield _sample("flapping", self.size + number, part="b")
        if number < 200:  # vanishes
            yield _sample("flapping", number % 3, part="c")
        yield _sample("build_info", 1, version="1.0" if number < 160 else "1.1")

    def _requests(self, number: int) -> Iterator[Sample]:
        for row, path in enumerate(PATHS):
            for code in ("200", "404", "500"):
                grown = self.random.randrange(9) if code == "200" else self.random.randrange(2)
                key = (path, code)
                restarts, since = divmod(number, 90 + row)
                before = self.counters.get(key, 0) if since else AFTER_RESTART[restarts]
                self.counters[key] = before + grown
                yield _sample("requests_total", self.counters[key], path=path, code=code)

    def _latency(self) -> Iterator[Sample]:
        for path in PATHS[:2]:
            total = 0
            for le in BUCKETS:
                key = (path, f"le={le}")
                self.counters[key] = self.counters.get(key, 9000) + self.random.randrange(4)
                total += self.counters[key]
                yield _sample("latency_seconds_bucket", total, path=path, le=le)
            yield _sample("latency_seconds_count", total, path=path)

    def _gauges(self, number: int) -> Iterator[Sample]:
        for row, sensor in enumerate(("cpu", "disk", "fan")):  # never equal to another one
            yield _sample("temperature", self.size + 200 * row + self.random.randrange(190), sensor=sensor)
        yield _sample("balance", self.random.randrange(-400, 400) / 4, sensor="cpu")
        yield _sample("queue_length", self.random.randrange(4), path="/")
        yield _sample("queue_length", number // 50, path="/cart")
        yield _sample("deadline_seconds", START_MS // 1000 + 86_400 * number * 7 + self.size, path="/")

    def _odd_values(self, number: int) -> Iterator[Sample]:
        cycle = (math.nan, math.inf, -math.inf, 0.0, 5.0)
        yield _sample("odd", math.nan, kind="nan")
        yield _sample("odd", math.inf, kind="inf")
        yield _sample("odd", cycle[number // 3 % 5], kind="mixed")
        yield _sample("odd", 0.0, kind="zero")
        yield _sample("odd", 7.0 if number % 11 else math.nan, kind="mostly")


TARGETS = (
    ("api", "a:1", 15_000, 321, 0),
    ("api", "b:1", 15_000, 5_777, 1),
    ("api", "c:1", 30_000, 9_123, 2),
    ("db", "a:1", 20_000, 2_459, 3),
)


def filled_head() -> Head:
    """Return a head with four targets; `b:1` is silent for a while and `c:1` fails some scrapes."""
    head = Head(HeadConfig(retention_seconds=86_400))
    for arguments in TARGETS:
        target = Target(*arguments)
        for number, time_ms in enumerate(target.times):
            samples = list(target.samples(number))
            if target.instance == "b:1" and 130 <= number < 165:
                continue
            failed = target.instance == "c:1" and number % 60 in (20, 21, 40, 41, 42, 43, 44)
            head.accept(target.batch(time_ms, None if failed else samples))
    return head


def everything(head: Head) -> list[SeriesBlock]:
    """Return all samples of `head`."""
    return list(head.select([Matcher("__name__", MatchOp.REGEX, ".+")], 0, 2**62))


def _sample(name: str, value: float, **labels: str) -> Sample:
    return Sample(name, labels_of(labels), float(value))
