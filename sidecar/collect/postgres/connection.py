"""Opening connections to a Postgres target."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg

from sidecar import __version__
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.dsn import parse_dsn
from sidecar.collect.postgres.session import Session, SessionLimits
from sidecar.model.errors import TargetError


class Connector:
    """Opens connections to one server; reads the DSN and password files each time, so they may change."""

    def __init__(self, config: PostgresConfig) -> None:
        self._config = config
        self._limits = SessionLimits(config.timeout_seconds)
        self._secrets: tuple[str, ...] = ()
        self.address = ""

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return self._secrets

    async def connect(self, database: str | None = None) -> Session:
        """Return a new session that `set_up` has yet to be called of; the caller's deadline applies.

        `database` is asked for instead of the DSN's. No statement is cached: behind a pooler that would fail.
        """
        arguments = await self._arguments()
        if database is not None:
            arguments["database"] = database
        connection = await asyncpg.connect(
            **arguments, statement_cache_size=0, server_settings={"application_name": f"sidecar/{__version__}"}
        )
        return Session(connection, self._limits)

    async def _arguments(self) -> dict[str, Any]:
        config = self._config
        text = config.dsn.get_secret_value() if config.dsn else await _content(str(config.dsn_file))
        self._secrets = (text,)
        dsn = parse_dsn(text)
        password = await _content(config.password_file) if config.password_file else None
        self._secrets = (text, *dsn.secrets, *([password] if password else []))
        self.address = dsn.server
        return dsn.arguments(password)


async def _content(path: str) -> str:
    try:
        return (await asyncio.to_thread(Path(path).read_text, "utf-8")).strip()
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
