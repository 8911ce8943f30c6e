"""Histograms of execution time by command."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf
from typing import Any

from sidecar.codec.exposition import format_float
from sidecar.codec.peer.lines import one_line
from sidecar.collect.redis.info import rows_with
from sidecar.collect.redis.section import (
    Answers,
    PipelinedSection,
    RedisServer,
    is_sentinel,
    items_of,
    number_of,
    text_of,
    version_of,
)
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels

HISTOGRAM = Family(
    "redis_commands_latencies_usec",
    MetricType.HISTOGRAM,
    "Execution time by command in MICROSECONDS since the start; every command has the same buckets.",
    ("cmd",),
)

# Microseconds: doubled from 1.024, as the server rounds them, and its longest. It tells only those at which a count
# grows; all of them are shown, or else sums over commands and rates over a new bucket would be wrong.
EDGES = (
    *(1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065),
    1073741,
)
BUCKET, SUM, COUNT = (f"{HISTOGRAM.name}_{suffix}" for suffix in ("bucket", "sum", "count"))

HISTOGRAMS = ("LATENCY", "HISTOGRAM")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a server from Redis 7 on; a Sentinel has no histograms."""
    has_them = not is_sentinel(server.info) and version_of(server.info.get("redis_version")) >= (7,)
    return (HISTOGRAMS,) if has_them else ()


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the histogram of each command; one that was first called after INFO waits for the next scrape's sum."""
    histograms = items_of(answers.get(HISTOGRAMS))
    statistics = rows_with(server.info, "cmdstat_") if histograms else {}
    samples: list[Sample] = []
    for name, details in zip(histograms[::2], histograms[1::2], strict=False):
        command = one_line(text_of(name))
        total = number_of(statistics.get(command, {}).get("usec"))
        if total is not None and _is_whole(details):
            samples += _histogram(command, details, total)
    if samples:
        yield FamilySamples(HISTOGRAM, samples)


def _is_whole(details: object) -> bool:
    """Return whether this is what `_histogram` takes apart: a proxy may have made something else of it."""
    items = items_of(details)
    told = items_of(items[3]) if len(items) == 4 else [None]
    return len(told) % 2 == 0 and all(isinstance(number, int) for number in (items[1:2] + told))


def _histogram(command: str, details: Sequence[Any], total: float) -> Iterable[Sample]:
    """Return buckets, sum and count; `details` are `["calls", n, "histogram_usec", [edge, calls up to it, ...]]`."""
    _, calls, _, told = details
    edges, counts = told[::2], (0.0, *map(float, told[1::2]))
    labels, *buckets = _labels(command)
    for edge, bucket in zip(EDGES, buckets, strict=False):
        yield Sample(BUCKET, bucket, counts[bisect_right(edges, edge)])
    yield Sample(BUCKET, buckets[-1], float(calls))
    yield Sample(SUM, labels, total)
    yield Sample(COUNT, labels, float(calls))


@lru_cache(maxsize=1000)
def _labels(command: str) -> Sequence[Labels]:
    """Return the command's own labels and those of its buckets, infinity last; the same ones at each scrape."""
    label = ("cmd", command)
    edges = [format_float(edge) for edge in (*EDGES, inf)]
    return [(label,), *((label, ("le", edge)) for edge in edges)]


SECTION = PipelinedSection("latency_histogram", (HISTOGRAM,), commands, convert, permissions=("+latency|histogram",))
