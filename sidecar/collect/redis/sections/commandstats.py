"""Calls, time and failures by command."""

from collections.abc import Iterable

from sidecar.collect.redis.info import rows_with
from sidecar.collect.redis.section import Field, RedisServer, Section, by_label
from sidecar.model.family import Family, FamilySamples, MetricType


def _counter(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    return Field(field, Family(f"redis_commands_{name}_total", MetricType.COUNTER, text, ("cmd",)), factor)


FIELDS = (
    Field("calls", Family("redis_commands_total", MetricType.COUNTER, "Calls of the command.", ("cmd",))),
    _counter("usec", "duration_seconds", "Time the server spent executing the command.", 1e-6),
    _counter("rejected_calls", "rejected_calls", "Calls refused before execution: wrong arguments, no permission."),
    _counter("failed_calls", "failed_calls", "Calls that failed while executing."),
)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the counters of each command that was called; subcommands are `config|get`."""
    return by_label(rows_with(server.info, "cmdstat_"), "cmd", FIELDS)


SECTION = Section("commandstats", tuple(field.family for field in FIELDS), convert)
