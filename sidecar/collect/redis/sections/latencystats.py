"""Percentiles of execution time by command, as the server computes them."""

from collections.abc import Iterable, Mapping

from sidecar.collect.redis.info import rows_with
from sidecar.collect.redis.section import RedisServer, Section, number_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

FAMILY = Family(
    "redis_latency_percentiles_usec",
    MetricType.SUMMARY,
    "Execution time by command in MICROSECONDS since the start; quantile counts to 100.",
    ("cmd",),
)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the percentiles, with sum and count from the command statistics where they are."""
    statistics = rows_with(server.info, "cmdstat_")
    samples = [
        sample
        for command, percentiles in rows_with(server.info, "latency_percentiles_usec_").items()
        for sample in _summary(command, percentiles, statistics.get(command, {}))
    ]
    if samples:
        yield FamilySamples(FAMILY, samples)


def _summary(command: str, percentiles: Mapping[str, str], statistics: Mapping[str, str]) -> Iterable[Sample]:
    label = ("cmd", command)
    for name, text in percentiles.items():
        value = number_of(text)
        if value is not None:
            yield Sample(FAMILY.name, (label, ("quantile", name.removeprefix("p"))), value)
    for suffix, field in (("_sum", "usec"), ("_count", "calls")):
        value = number_of(statistics.get(field))
        if value is not None:
            yield Sample(FAMILY.name + suffix, (label,), value)


SECTION = Section("latencystats", (FAMILY,), convert)
