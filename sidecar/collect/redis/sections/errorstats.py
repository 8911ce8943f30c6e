"""Error replies by their first word."""

from collections.abc import Iterable

from sidecar.collect.redis.info import Info, rows_with
from sidecar.collect.redis.section import Field, Section, by_label
from sidecar.model.family import Family, FamilySamples, MetricType

FIELDS = (Field("count", Family("redis_errors_total", MetricType.COUNTER, "Error replies by their prefix.", ("err",))),)


def convert(info: Info, now: float) -> Iterable[FamilySamples]:
    """Return one counter per error prefix, such as ERR or WRONGTYPE."""
    return by_label(rows_with(info, "errorstat_"), "err", FIELDS)


SECTION = Section("errorstats", tuple(field.family for field in FIELDS), convert)
