"""The normal form of what a client sends to a database, whichever it is."""

import re

from sidecar.fingerprint import redis_command, sql

CACHES = frozenset({"redis", "valkey", "keydb", "dragonfly", "memcached"})
"""Systems, as `db.system.name` has them, whose calls are commands and take well under a millisecond."""

_SQL = re.compile(
    r"(?i)\s*(?:/\*|--|\(|(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|CALL|EXECUTE|CREATE|ALTER|DROP|TRUNCATE|BEGIN|START|COMMIT"
    r"|ROLLBACK|SAVEPOINT|RELEASE|EXPLAIN|GRANT|REVOKE|COPY|LOCK|VACUUM|ANALYZE|SHOW|USE|DECLARE|FETCH|VALUES|REPLACE"
    r"|UPSERT|LISTEN|NOTIFY|DO|FROM)\b)"
)


def normalised(system: str, text: str) -> str:
    """Return `text` without its values: equal for calls that differ in nothing else.

    What no system is known for is read as SQL or JSON, and in doubt as a value.
    """
    return redis_command.normalised(text) if system in CACHES else sql.normalised(text, sql.quoting_of(system))


def masked(text: str) -> str:
    """Return `text` without its values where the system is not known: as SQL or JSON if it looks so, else a command."""
    if text.lstrip()[:1] in ("{", "[") or _SQL.match(text):
        return sql.normalised(text)
    return redis_command.normalised(text)
