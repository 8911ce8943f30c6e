"""Asking a Postgres server within limits that the server itself keeps, also where a pooler stands in between."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from sidecar.collect.postgres.view import NO_LIMITS, Limits, Row

STATEMENT_SHARE_OF_TIMEOUT = 0.25
"""A view that is slow fails alone: with the time of the whole scrape it would take all later ones with it."""

LOCK_SHARE_OF_TIMEOUT = 0.1
"""A view that waits for a lock must not eat the time of the others."""

IDLE_SHARE_OF_TIMEOUT = 3.0
"""Well over any scrape: ends what a sidecar that hangs in a transaction would hold."""

SHARE_OF_WHAT_IS_LEFT = 0.9
"""The server gives up a little before we do: who just goes away leaves it at work for nobody."""

SERVERS_NAMES = "pg_catalog, pg_temp"
"""A search_path with the server's own functions and operators, and nobody else's.

A function that takes exactly what a statement gives goes before the server's that needs a cast. So whoever may create
one in a schema that is searched would run it with our rights. pg_temp would come first if it were not named.
"""

ROLES_NAMES = "DEFAULT"
"""The search_path as role and database have it."""

SESSION_SQL = """
SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms};
SET idle_in_transaction_session_timeout = {idle_ms}; SET default_transaction_read_only = on;
SET search_path = {path}
"""

TRANSACTION_SQL = """
BEGIN READ ONLY; SET LOCAL statement_timeout = {statement_ms}; SET LOCAL lock_timeout = {lock_ms};
SET LOCAL idle_in_transaction_session_timeout = {idle_ms}; SET LOCAL search_path = {path}; SAVEPOINT asked
"""

END_SQL = "ROLLBACK TO asked; COMMIT"
"""Undoes what a query may have set for the session, without counting as a transaction that was rolled back."""


class Prepared(Protocol):
    """What is used of asyncpg's prepared statement."""

    async def fetch(self) -> list[Row]:
        """Return the rows."""
        ...


class Connection(Protocol):
    """What is used of asyncpg's connection."""

    async def fetch(self, query: str) -> list[Row]:
        """Return the rows of `query`, through a statement without a name."""
        ...

    async def prepare(self, query: str, *, name: str) -> Prepared:
        """Make a statement that the server keeps under `name`."""
        ...

    async def execute(self, query: str) -> str:
        """Run statements without results."""
        ...

    async def close(self) -> None:
        """Say goodbye to the server and close."""
        ...

    def get_server_pid(self) -> int:
        """Return the process id that came with the connection."""
        ...

    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        ...

    def terminate(self) -> None:
        """Drop the connection without waiting."""
        ...


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """What the server is told to keep to, derived from the deadline of a whole scrape."""

    timeout_seconds: float

    @property
    def statement_seconds(self) -> float:
        """How long a statement without a limit of its own may take."""
        return self.timeout_seconds * STATEMENT_SHARE_OF_TIMEOUT

    def settings(self, own: Limits = NO_LIMITS, most_seconds: float = math.inf) -> dict[str, object]:
        """Return what to set, times in milliseconds; limits of `own` win, no statement has more than `most_seconds`."""
        statement = min(own.statement_seconds or self.statement_seconds, most_seconds)
        lock = own.lock_seconds or self.timeout_seconds * LOCK_SHARE_OF_TIMEOUT
        return {
            "statement_ms": max(1, round(statement * 1000)),  # 0 would be no limit
            "lock_ms": max(1, round(lock * 1000)),
            "idle_ms": round(self.timeout_seconds * IDLE_SHARE_OF_TIMEOUT * 1000),
            "path": ROLES_NAMES if own.roles_names else SERVERS_NAMES,
        }


class Session:
    """A connection that runs one statement at a time, read-only, within limits and with Postgres' functions only.

    Directly connected, the limits are the session's and each statement is prepared once. Through a pooler such as
    PgBouncer the next statement may meet another server process, so each runs in a transaction of its own that brings
    its limits along, and nothing is left behind.
    """

    def __init__(self, connection: Connection, limits: SessionLimits) -> None:
        self.pooled = False
        self._connection = connection
        self._limits = limits
        self._statement_seconds = limits.statement_seconds
        self._prepared: dict[str, Prepared] = {}
        self._names = 0

    async def set_up(self, backend_pid: int, most_seconds: float = math.inf) -> None:
        """Set the session's limits, unless a pooler is in between; no statement has more than `most_seconds`.

        A pooler gives its clients cancel keys of its own, so the process that answers is not the one we were told of.
        """
        self.pooled = self._connection.get_server_pid() != backend_pid
        if not self.pooled:
            self._statement_seconds = min(self._statement_seconds, most_seconds)
            await self._connection.execute(SESSION_SQL.format(**self._limits.settings(most_seconds=most_seconds)))

    async def fetch_plain(self, sql: str) -> list[Row]:
        """Return the rows of `sql`, for use before `set_up`: it must be one that cannot wait, and name every schema."""
        return await self._connection.fetch(sql)

    async def fetch(self, sql: str, own: Limits = NO_LIMITS, left_seconds: float = math.inf) -> list[Row]:
        """Return the rows of `sql`; `own` limits go before the session's, and the caller has only so much time left."""
        most = left_seconds * SHARE_OF_WHAT_IS_LEFT
        if self.pooled or own != NO_LIMITS or most < self._statement_seconds:
            return await self._fetch_in_transaction(sql, self._limits.settings(own, most))
        if sql not in self._prepared:
            self._names += 1
            self._prepared[sql] = await self._connection.prepare(sql, name=f"sidecar_{self._names}")
        try:
            return await self._prepared[sql].fetch()
        except Exception:
            # What it was prepared for may have changed: the next time it is prepared anew.
            del self._prepared[sql]
            raise

    async def _fetch_in_transaction(self, sql: str, settings: dict[str, object]) -> list[Row]:
        try:
            await self._connection.execute(TRANSACTION_SQL.format(**settings))
            rows = await self._connection.fetch(sql)
        except Exception:
            # Not after a cancellation: who cancels has no time to wait for an answer, and drops the connection.
            if not self._connection.is_closed():
                await self._connection.execute("ROLLBACK")
            raise
        await self._connection.execute(END_SQL)
        return rows

    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.is_closed()

    async def close(self) -> None:
        """Say goodbye to the server and close."""
        await self._connection.close()

    def terminate(self) -> None:
        """Drop the connection without waiting."""
        self._connection.terminate()


def one_value(rows: list[Row]) -> Any:
    """Return the only column of the first row, None without a row."""
    return next(iter(rows[0].values())) if rows else None
