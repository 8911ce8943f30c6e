"""Opening the one connection of a Postgres target."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from sidecar import __version__
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.collect.postgres.view import Row
from sidecar.model.errors import TargetError

STATEMENT_SHARE_OF_TIMEOUT = 0.25
"""A view that is slow fails alone: with the time of the whole scrape it would take all later ones with it."""

LOCK_SHARE_OF_TIMEOUT = 0.1
"""A view that waits for a lock must not eat the time of the others."""

IDLE_SHARE_OF_TIMEOUT = 3.0
"""Well over any scrape: ends what a sidecar that hangs in a transaction would hold."""

SESSION_SQL = """
SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms};
SET idle_in_transaction_session_timeout = {idle_ms}; SET default_transaction_read_only = on
"""


class Connection(Protocol):
    """What is used of asyncpg's connection."""

    async def fetch(self, query: str) -> list[Row]:
        """Return the rows of `query`."""
        ...

    async def fetchrow(self, query: str) -> Row | None:
        """Return the first row of `query`."""
        ...

    async def execute(self, query: str) -> str:
        """Run statements without results."""
        ...

    def is_closed(self) -> bool:
        """Whether the connection is gone."""
        ...

    def terminate(self) -> None:
        """Drop the connection without waiting."""
        ...


class Connector:
    """Opens connections to one server; reads the DSN and password files each time, so they may change."""

    def __init__(self, config: PostgresConfig) -> None:
        self._config = config
        self._secrets: tuple[str, ...] = ()
        self.address = ""

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return self._secrets

    async def connect(self) -> Connection:
        """Return a new connection with the session's limits set; the caller's deadline applies."""
        arguments = await self._arguments()
        connection: Connection = await asyncpg.connect(
            **arguments, server_settings={"application_name": f"sidecar/{__version__}"}
        )
        try:
            await connection.execute(self._session_sql())
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _arguments(self) -> dict[str, Any]:
        config = self._config
        text = config.dsn.get_secret_value() if config.dsn else await _content(str(config.dsn_file))
        self._secrets = (text,)
        dsn = parse_dsn(text)
        password = await _content(config.password_file) if config.password_file else None
        self._secrets = (text, *dsn.secrets, *([password] if password else []))
        self.address = dsn.server
        return dsn.arguments(password)

    def _session_sql(self) -> str:
        timeout_ms = self._config.timeout_seconds * 1000
        return SESSION_SQL.format(
            statement_ms=round(timeout_ms * STATEMENT_SHARE_OF_TIMEOUT),
            lock_ms=round(timeout_ms * LOCK_SHARE_OF_TIMEOUT),
            idle_ms=round(timeout_ms * IDLE_SHARE_OF_TIMEOUT),
        )


async def _content(path: str) -> str:
    try:
        return (await asyncio.to_thread(Path(path).read_text, "utf-8")).strip()
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
