"""Keys by database."""

import re
from collections.abc import Iterable

from sidecar.collect.redis.section import Field, Info, Section, by_label, parse_pairs
from sidecar.model.family import Family, FamilySamples, MetricType

_DATABASE = re.compile(r"db\d+")


def _gauge(field: str, name: str, text: str, factor: float = 1.0) -> Field:
    return Field(field, Family(f"redis_db_{name}", MetricType.GAUGE, text, ("db",)), factor)


FIELDS = (
    _gauge("keys", "keys", "Keys in the database; one without keys is not listed by the server."),
    _gauge("expires", "keys_expiring", "Keys of the database that have a time to live."),
    # Redis calls it the first way, Valkey the second.
    _gauge("subexpiry", "keys_with_expiring_items", "Hashes of the database with fields that have a time to live."),
    _gauge(
        "keys_with_volatile_items",
        "keys_with_expiring_items",
        "Hashes of the database with fields that have a time to live.",
    ),
    _gauge("avg_ttl", "avg_ttl_seconds", "Average time to live of those keys, estimated; 0: unknown.", 1e-3),
)


def convert(info: Info, now: float) -> Iterable[FamilySamples]:
    """Return the numbers of each database that has keys."""
    databases = {field: parse_pairs(value) for field, value in info.items() if _DATABASE.fullmatch(field)}
    return by_label(databases, "db", FIELDS)


SECTION = Section("keyspace", tuple(dict.fromkeys(field.family for field in FIELDS)), convert)
