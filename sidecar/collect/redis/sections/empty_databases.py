"""Databases without keys, about which INFO is silent, as 0 of `redis_db_keys` and `redis_db_keys_expiring`."""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.databases import EXPIRING, KEYS
from sidecar.collect.redis.section import Answers, PipelinedSection, RedisServer, is_sentinel, settings_in
from sidecar.model.family import FamilySamples, Sample


def commands(server: RedisServer) -> Sequence[tuple[str, ...]]:
    """Ask how many databases there are; a node of a cluster has those that Valkey 9 lets it have, or one."""
    if is_sentinel(server.info):
        return ()
    is_node = server.info.get("cluster_enabled") == "1"
    return (("CONFIG", "GET", "cluster-databases" if is_node else "databases"),)


def convert(answers: Answers, server: RedisServer) -> Iterable[FamilySamples]:
    """Return 0 for each database that is there and not in INFO; nothing if the server does not say how many are."""
    if not answers:
        return
    # A cluster that does not know the setting has one database.
    count = int(next(iter(settings_in(answers).values()), "1"))
    labels = [(("db", name),) for number in range(count) if (name := f"db{number}") not in server.info]
    for family in (KEYS, EXPIRING):
        if labels:
            yield FamilySamples(family, [Sample(family.name, label, 0.0) for label in labels])


SECTION = PipelinedSection("empty_databases", (KEYS, EXPIRING), commands, convert, permissions=("+config|get",))
