"""Error replies by their first word."""

from collections.abc import Iterable

from sidecar.collect.redis.info import rows_with
from sidecar.collect.redis.section import Field, RedisServer, Section, by_label
from sidecar.model.family import Family, FamilySamples, MetricType

FIELDS = (Field("count", Family("redis_errors_total", MetricType.COUNTER, "Error replies by their prefix.", ("err",))),)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return one counter per error prefix, such as ERR or WRONGTYPE."""
    return by_label(rows_with(server.info, "errorstat_"), "err", FIELDS)


SECTION = Section("errorstats", tuple(field.family for field in FIELDS), convert)
