"""Databases without keys, about which INFO is silent, as 0 of `redis_db_keys` and `redis_db_keys_expiring`."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from sidecar.collect.redis.databases import EXPIRING, KEYS
from sidecar.collect.redis.lists import OTHER_DATABASES
from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, decimal_of, is_sentinel, settings_in
from sidecar.model.family import Family, FamilySamples, MetricType, Sample

LIMIT = 256
"""Most empty databases that are shown: a server may be configured to have millions."""

MOST = 2**31 - 1
"""Databases that a server may have: it counts them in an int."""

_DATABASE = re.compile("db(?P<number>[0-9]{1,10})")

LEFT_OUT = Family(
    "sidecar_redis_empty_databases_left_out",
    MetricType.GAUGE,
    f"Databases without keys that are not shown: the first {LIMIT} are.",
)


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask how many databases there are; a node of a cluster has those that Valkey 9 lets it have, or one."""
    if is_sentinel(server.info):
        return ()
    is_node = server.info.get("cluster_enabled") == "1"
    return (("CONFIG", "GET", "cluster-databases" if is_node else "databases"),)


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return 0 for the first databases that are there and not in INFO, and how many more there are.

    Nothing is known if the server does not say how many it has, and none are shown when so many have keys that not
    all of these are.
    """
    if not answers or OTHER_DATABASES in server.info:
        return
    # A cluster that does not know the setting has one database.
    told = decimal_of(next(iter(settings_in(answers).values()), "1"))
    if told is None:
        return
    count = int(min(max(told, 0.0), MOST))
    names = (f"db{number}" for number in range(count))
    shown = list(islice((name for name in names if name not in server.info), LIMIT))
    for family in (KEYS, EXPIRING):
        if shown:
            yield FamilySamples(family, [Sample(family.name, (("db", name),), 0.0) for name in shown])
    empty = len(shown) if len(shown) < LIMIT else count - sum(_is_of(count, field) for field in server.info)
    yield FamilySamples(LEFT_OUT, [Sample(LEFT_OUT.name, (), float(empty - len(shown)))])


def _is_of(count: int, field: str) -> bool:
    """Return whether a field of INFO is about one of the first `count` databases."""
    match = _DATABASE.fullmatch(field)
    return match is not None and int(match["number"]) < count


SECTION = PipelinedSection(
    "empty_databases", (KEYS, EXPIRING, LEFT_OUT), commands, convert, permissions=("+config|get",)
)
