"""Families about a logical database, which two sections know about: one those with keys, one those without."""

from sidecar.model.family import Family, MetricType

KEYS = Family("redis_db_keys", MetricType.GAUGE, "Keys in the database.", ("db",))
EXPIRING = Family("redis_db_keys_expiring", MetricType.GAUGE, "Keys of the database that have a time to live.", ("db",))
