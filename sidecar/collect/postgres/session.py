"""Asking a Postgres server within limits that the server itself keeps, also where a pooler stands in between."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from sidecar.collect.postgres.encodings import UTF8, local_text, results_encoding, shared_name
from sidecar.collect.postgres.session_settings import BEGIN, in_session, in_transaction
from sidecar.collect.postgres.view import NO_LIMITS, Limits, Row
from sidecar.collect.postgres.wire import Wire
from sidecar.model.errors import TargetError

STATEMENT_SHARE_OF_TIMEOUT = 0.25
"""A view that is slow fails alone: with the time of the whole scrape it would take all later ones with it."""

LOCK_SHARE_OF_TIMEOUT = 0.1
"""A view that waits for a lock must not eat the time of the others."""

IDLE_SHARE_OF_TIMEOUT = 3.0
"""Well over any scrape: ends what a sidecar that hangs in a transaction would hold."""

SHARE_OF_WHAT_IS_LEFT = 0.9
"""The server gives up a little before we do: who just goes away leaves it at work for nobody."""

TRANSACTION_SQL = """
{begin}; SET LOCAL statement_timeout = {statement_ms}; SET LOCAL lock_timeout = {lock_ms};
SET LOCAL idle_in_transaction_session_timeout = {idle_ms}; SET LOCAL client_encoding = '{encoding}'; {settings};
SAVEPOINT asked
"""

SESSION_SQL = """
SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms};
SET idle_in_transaction_session_timeout = {idle_ms}; SET client_encoding = '{encoding}'; {settings}
"""

CURRENCY_SQL = "SELECT 1::pg_catalog.money AS unit"

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
        }


class Session:
    """A connection that runs one statement at a time, read-only, in our limits and settings, with Postgres' functions.

    Directly connected, limits and settings are the session's and each statement is prepared once. Through a pooler such
    as PgBouncer the next statement may meet another server process, so each runs in a transaction of its own that
    brings them along, and nothing is left behind. Text comes as the bytes that the server has (`encodings`).
    """

    def __init__(
        self,
        connection: Connection,
        limits: SessionLimits,
        encoding: str = UTF8,
        version: int = 0,
        wire: Wire | None = None,
    ) -> None:
        self.pooled = False
        self._connection = connection
        self._limits = limits
        self._statement_seconds = limits.statement_seconds
        self._encoding = results_encoding(encoding)
        self._version = version
        self._wire = wire or Wire(local_text(encoding), shared_name(encoding))
        self._prepared: dict[str, Prepared] = {}
        self._names = 0
        self._to_deallocate = ""

    async def greet(self, sql: str) -> Row:
        """Return the only row of `sql`, the first statement of all: within limits, as a transaction of its own."""
        rows = await self._fetch_in_transaction(sql, NO_LIMITS, math.inf)
        if not rows:
            raise TargetError("the server gave no row where there must be one")
        return rows[0]

    async def learn_currency(self) -> None:
        """Ask how many parts the server's unit of money has, for queries of the operator's own that have amounts.

        A server that speaks Postgres' protocol and has no such type has no amounts either.
        """
        try:
            (row,) = await self._fetch_in_transaction(CURRENCY_SQL, NO_LIMITS, math.inf)
            self._wire.money_unit = int(row["unit"].amount) or 1
        except Exception:
            if self._connection.is_closed():
                raise

    async def set_up(self, backend_pid: int, most_seconds: float = math.inf) -> None:
        """Set the session's limits, unless a pooler is in between; no statement has more than `most_seconds`.

        A pooler gives its clients cancel keys of its own, so the process that answers is not the one we were told of.
        """
        self.pooled = self._connection.get_server_pid() != backend_pid
        if not self.pooled:
            self._statement_seconds = min(self._statement_seconds, most_seconds)
            limits = self._limits.settings(most_seconds=most_seconds)
            settings = in_session(self._version)
            await self._connection.execute(SESSION_SQL.format(**limits, encoding=self._encoding, settings=settings))

    async def fetch(self, sql: str, own: Limits = NO_LIMITS, left_seconds: float = math.inf) -> list[Row]:
        """Return the rows of `sql`; `own` limits go before the session's, and the caller has only so much time left."""
        most = left_seconds * SHARE_OF_WHAT_IS_LEFT
        if self.pooled or own != NO_LIMITS or most < self._statement_seconds:
            return await self._fetch_in_transaction(sql, own, most)
        if sql not in self._prepared:
            self._prepared[sql] = await self._connection.prepare(sql, name=self._name())
        try:
            return await self._prepared[sql].fetch()
        except Exception:
            # What it was prepared for may have changed: the next time it is prepared anew.
            del self._prepared[sql]
            raise

    async def _fetch_in_transaction(self, sql: str, own: Limits, most_seconds: float) -> list[Row]:
        # Only an operator's text has to be converted, and its columns' names: in UTF-8 both are understood.
        in_utf8 = own.roles_names or self._encoding == UTF8
        limits = self._limits.settings(own, most_seconds)
        encoding = UTF8 if in_utf8 else self._encoding
        settings = in_transaction(self._version, own.roles_names)
        try:
            await self._connection.execute(
                TRANSACTION_SQL.format(begin=BEGIN, **limits, encoding=encoding, settings=settings)
            )
            rows = await (self._connection.fetch(sql) if encoding == self._encoding else self._fetch_unconverted(sql))
        except Exception:
            # Not after a cancellation: who cancels has no time to wait for an answer, and drops the connection.
            if not self._connection.is_closed():
                await self._end("ROLLBACK")
            raise
        await self._end(END_SQL)
        return rows

    async def _end(self, sql: str) -> None:
        """End a transaction; a statement with a name would outlive it, and behind a pooler our connection."""
        deallocate, self._to_deallocate = self._to_deallocate, ""
        await self._connection.execute(sql + deallocate)

    async def _fetch_unconverted(self, sql: str) -> list[Row]:
        """Return the rows of a statement that is given in UTF-8, with the bytes that the server has."""
        name = self._name()
        statement = await self._connection.prepare(sql, name=name)
        self._to_deallocate = f"; DEALLOCATE {name}"
        await self._connection.execute(f"SET LOCAL client_encoding = '{self._encoding}'")
        return await statement.fetch()

    def _name(self) -> str:
        self._names += 1
        return f"sidecar_{self._names}"

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
