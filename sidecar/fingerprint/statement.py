"""The normal form of what a client sends to a database, whichever it is."""

from sidecar.fingerprint import redis_command, sql

CACHES = frozenset({"redis", "valkey", "keydb", "dragonfly", "memcached"})
"""Systems, as `db.system.name` has them, whose calls are commands and take well under a millisecond."""


def normalised(system: str, text: str) -> str:
    """Return `text` without its values: equal for calls that differ in nothing else.

    What no system is known for is read as SQL or JSON, and in doubt as a value.
    """
    return redis_command.normalised(text) if system in CACHES else sql.normalised(text, sql.quoting_of(system))
