"""The log of slow commands: how long it is, and the last one in it."""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, integer_of, is_sentinel, items_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

LENGTH = Family("redis_slowlog_length", MetricType.GAUGE, "Commands in the slow log.")
LAST_ID = Family("redis_slowlog_last_id", MetricType.GAUGE, "Number of the last command in the slow log; 0: none yet.")
LAST_DURATION = Family(
    "redis_last_slow_execution_duration_seconds",
    MetricType.GAUGE,
    "Time the last command in the slow log took; 0: none is there.",
)

LEN = ("SLOWLOG", "LEN")
GET = ("SLOWLOG", "GET", "1")


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask a server; a Sentinel has no slow log."""
    return () if is_sentinel(server.info) else (LEN, GET)


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return the length and the last entry's number and time; its command and arguments are not looked at."""
    length, entries = answers.get(LEN), answers.get(GET)
    if isinstance(length, int):
        yield FamilySamples(LENGTH, [Sample(LENGTH.name, (), float(length))])
    if isinstance(entries, list):
        # An entry is its number, when, microseconds, and more.
        entry = items_of(entries[0]) if entries else [0, 0, 0]
        number, _, microseconds = map(integer_of, entry[:3]) if len(entry) > 2 else (None, None, None)
        if number is not None:
            yield FamilySamples(LAST_ID, [Sample(LAST_ID.name, (), number)])
        if microseconds is not None:
            yield FamilySamples(LAST_DURATION, [Sample(LAST_DURATION.name, (), microseconds * 1e-6)])


SECTION = PipelinedSection(
    "slowlog",
    (LENGTH, LAST_ID, LAST_DURATION),
    commands,
    convert,
    permissions=("+slowlog|len", "+slowlog|get"),
)
