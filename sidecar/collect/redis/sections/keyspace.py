"""Keys by database."""

import re
from collections.abc import Iterable

from sidecar.collect.redis.section import Field, Info, Section, by_label, parse_pairs
from sidecar.model.family import Family, FamilySamples, MetricType

_DATABASE = re.compile(r"db\d+")


def _gauge(name: str, text: str) -> Family:
    return Family(f"redis_db_{name}", MetricType.GAUGE, text, ("db",))


KEYS = _gauge("keys", "Keys in the database.")
EXPIRING = _gauge("keys_expiring", "Keys of the database that have a time to live.")
EXPIRING_ITEMS = _gauge("keys_with_expiring_items", "Hashes of the database with fields that have a time to live.")
AVERAGE_TTL = _gauge("avg_ttl_seconds", "Average time to live of the keys that have one, estimated; 0: unknown.")

FIELDS = (
    Field("keys", KEYS),
    Field("expires", EXPIRING),
    # Redis calls it the first way, Valkey the second.
    Field("subexpiry", EXPIRING_ITEMS),
    Field("keys_with_volatile_items", EXPIRING_ITEMS),
    Field("avg_ttl", AVERAGE_TTL, 1e-3),
)


def convert(info: Info, now: float) -> Iterable[FamilySamples]:
    """Return the numbers of each database that has keys; the server does not list the others."""
    databases = {field: parse_pairs(value) for field, value in info.items() if _DATABASE.fullmatch(field)}
    return by_label(databases, "db", FIELDS)


SECTION = Section("keyspace", (KEYS, EXPIRING, EXPIRING_ITEMS, AVERAGE_TTL), convert)
