"""The SQLite file itself: opening it, its schema, setting a broken one aside. All of it blocks and has a thread."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sidecar.runtime.state.error import Reason, StateError

APPLICATION_ID = 0x53444352
"""Tells our files from those of other programs, which are left alone."""

MIGRATIONS = (
    """
    CREATE TABLE records (
        collection TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (collection, key)
    );
    """,
    """
    CREATE TABLE spilled (
        id INTEGER NOT NULL, queue TEXT NOT NULL, label TEXT NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL,
        UNIQUE (queue, id)
    );
    """,
)
"""Each brings a file from the version that is its index to the next one. Never change one that was released."""

BUSY_SECONDS = 0.5
"""How long SQLite itself waits for a lock; after that it is ours to try again."""
WAL_LIMIT_BYTES = 16 * 2**20
"""What the log beside the file is cut down to after a large transaction."""
FREE_PAGES_KEPT = 2048
"""8 MiB of free pages stay for what comes next; more is given back to the file system."""
FREED_PAGES = 1024
"""Most pages given back at a time, which takes up to half a second of the thread."""
SET_ASIDE = 5
"""Most files that are set aside for one reason."""
SUFFIXES = ("-wal", "-journal", "")
"""Of the names of a database's files, its own last: what is left after a half is still known for what it is."""


class Database:
    """The file at `path` and its one connection; everything is called in one thread.

    While it is open no other process can use it. What was committed survives the end of this process, however that
    comes; a power cut may take the last commits, never the file. Methods raise sqlite3.Error and OSError.
    """

    def __init__(self, path: str, migrations: Sequence[str] = MIGRATIONS) -> None:
        self.path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection."""
        if self._connection is None:
            raise StateError(Reason.UNREACHABLE, "the file is closed")
        return self._connection

    def open(self) -> None:
        """Open the file, make it if it is missing, and bring it to the newest version of the schema.

        Raises StateError for a file that is not ours to touch.
        """
        self.close()
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # it may hold what was sent to us: for us only
        self._inode = Path(self.path).stat().st_ino
        self._connection = self.connect()
        _prepare(self._connection, self._migrations)

    def connect(self) -> sqlite3.Connection:
        """Return a new connection; threads may use it one after the other, as one that was idle for long has ended."""
        return sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def tidy(self) -> None:
        """Give free pages back; raise StateError when the path is another file by now."""
        self._check_identity()
        (free,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        if free > FREE_PAGES_KEPT:
            pages = min(free - FREE_PAGES_KEPT, FREED_PAGES)
            # `execute` would take one step only, which gives back one page.
            self.connection.executescript(f"PRAGMA incremental_vacuum({pages})")

    def set_aside(self, reason: Reason) -> str:
        """Close the file and rename it, its log with it, to `<path>.<reason>-<n>`; return the new name.

        Raises StateError when the path is another file by now, or when too many are set aside already. Of damaged ones
        the last is replaced then.
        """
        self.close()
        self._check_identity()
        aside = _name_aside(self.path, reason)
        for suffix in SUFFIXES:
            if Path(self.path + suffix).exists():
                Path(self.path + suffix).replace(aside + suffix)
        return aside

    def _check_identity(self) -> None:
        path = Path(self.path)
        if not path.exists() or path.stat().st_ino != self._inode:
            raise StateError(Reason.GONE, "the file was removed or replaced")


def _name_aside(path: str, reason: Reason) -> str:
    names = [f"{path}.{reason.value}-{number}" for number in range(1, SET_ASIDE + 1)]
    for name in names:
        if not any(os.path.lexists(name + suffix) for suffix in SUFFIXES):
            return name
    if reason is Reason.CORRUPT:
        return names[-1]
    raise StateError(Reason.UNREACHABLE, f"`{names[0]}` to `{names[-1]}` are there already, remove one")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block is written, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    # Exclusive before anything is read: then there is no shared memory beside the file, which network file systems
    # do not have, and a second process cannot send what we are sending.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _version(connection, len(migrations))
    if not version:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    for number in range(version, len(migrations)):
        with transaction(connection):
            for statement in migrations[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")


def _version(connection: sqlite3.Connection, newest: int) -> int:
    """Return the version of the schema, 0 for a new file; raise StateError if the file is not ours to touch."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise StateError(Reason.FOREIGN, "the file is the database of another program")
    if not 0 <= version <= newest:  # below it only by other hands, and no less unknown
        raise StateError(Reason.NEWER, f"a newer sidecar wrote the file, version {version}; this one knows {newest}")
    return int(version)
