"""Keys by database."""

import re
from collections.abc import Iterable

from sidecar.collect.redis.databases import EXPIRING, KEYS
from sidecar.collect.redis.info import parse_pairs
from sidecar.collect.redis.lists import OTHER, OTHER_DATABASES
from sidecar.collect.redis.section import Field, RedisServer, Section, by_label
from sidecar.model.family import Family, FamilySamples, MetricType

_DATABASE = re.compile("db[0-9]+")


EXPIRING_ITEMS = Family(
    "redis_db_keys_with_expiring_items",
    MetricType.GAUGE,
    "Hashes of the database with fields that have a time to live.",
    ("db",),
)
AVERAGE_TTL = Family(
    "redis_db_avg_ttl_seconds",
    MetricType.GAUGE,
    "Average time to live of the keys that have one, estimated; 0: unknown.",
    ("db",),
)

FIELDS = (
    Field("keys", KEYS),
    Field("expires", EXPIRING),
    # Redis calls it the first way, Valkey the second.
    Field("subexpiry", EXPIRING_ITEMS),
    Field("keys_with_volatile_items", EXPIRING_ITEMS),
    Field("avg_ttl", AVERAGE_TTL, 1e-3),
)


def convert(server: RedisServer) -> Iterable[FamilySamples]:
    """Return the numbers of each database that has keys; the server does not list the others."""
    info = server.info
    databases = {field: parse_pairs(value) for field, value in info.items() if _DATABASE.fullmatch(field)}
    if OTHER_DATABASES in info:
        databases[OTHER] = parse_pairs(info[OTHER_DATABASES])
    return by_label(databases, "db", FIELDS)


SECTION = Section("keyspace", (KEYS, EXPIRING, EXPIRING_ITEMS, AVERAGE_TTL), convert)
