"""Which databases of a server are visited for what only a connection to them can see."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from sidecar.collect.postgres.config import DatabasesConfig
from sidecar.collect.postgres.encodings import escaped

DATABASES_SQL = """
SELECT textsend(datname::text) AS name
  FROM pg_catalog.pg_database
 WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2 AND datname <> current_database()
   AND has_database_privilege(oid, 'CONNECT')
 ORDER BY datname
"""
"""The others that the role may connect to, as bytes; the one we are in is visited anyway. A limit of -2 is what a DROP
DATABASE that was interrupted leaves behind."""


def connectable(names: Iterable[bytes]) -> tuple[list[str], list[str]]:
    """Return those of `names` that can be asked for, which is in UTF-8, and the others, escaped."""
    found: list[str] = []
    others: list[str] = []
    for name in names:
        try:
            found.append(name.decode())
        except UnicodeDecodeError:
            others.append(escaped(name))
    return found, others


class Visits(NamedTuple):
    """The databases to visit, and how many the limit leaves out."""

    databases: tuple[str, ...]
    left_out: int


def choose(found: Sequence[str], config: DatabasesConfig) -> Visits:
    """Return those of `found` that `config` wants: excluding wins, and the first by name up to the limit."""
    wanted = [name for name in found if _matches(name, config.include or ("*",)) and not _matches(name, config.exclude)]
    return Visits(tuple(wanted[: config.max]), max(0, len(wanted) - config.max))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
