"""The TLS side of connections to Postgres: reading certificates is no work for the loop."""

import asyncio
import os
from collections.abc import Mapping
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from asyncpg import connect_utils

FILES = {
    "sslrootcert": ("PGSSLROOTCERT", "root.crt"),
    "sslcrl": ("PGSSLCRL", "root.crl"),
    "sslcert": ("PGSSLCERT", "postgresql.crt"),
    "sslkey": ("PGSSLKEY", "postgresql.key"),
}
"""Parameters of a DSN that name a file, and what is read without one: the variable's, or this in ~/.postgresql."""

UNSET: Mapping[str, None] = dict.fromkeys(
    (
        *("host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile"),
        *("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib"),
    )
)

_Signature = tuple[object, ...]


class TlsContexts:
    """Makes the context of a target's connections, and makes it anew only when one of its files has changed."""

    def __init__(self) -> None:
        self._signature: _Signature = ()
        self._context: SSLContext | None = None

    async def context(self, arguments: Mapping[str, Any]) -> SSLContext | None:
        """Return the context for `arguments` of `asyncpg.connect`, made in a thread.

        None where a connection may do without TLS: there asyncpg has to make it, and reads no authorities for it.
        """
        return await asyncio.to_thread(self._current, arguments)

    def _current(self, arguments: Mapping[str, Any]) -> SSLContext | None:
        query = dict(parse_qsl(urlsplit(arguments["dsn"]).query))
        signature = (arguments["dsn"], *(_stat(query.get(name) or _default(name)) for name in FILES))
        # Which files a service names is for asyncpg to find out.
        if signature != self._signature or "service" in query:
            self._context = _made(arguments)
            self._signature = signature
        return self._context


def _made(arguments: Mapping[str, Any]) -> SSLContext | None:
    # asyncpg's own reading of a DSN, so that sslmode and the others mean the same; it has no public one.
    parse = connect_utils._parse_connect_dsn_and_args  # type: ignore[attr-defined] # the stubs leave it out
    _, parameters = parse(**{**UNSET, **arguments})
    required = parameters.sslmode >= connect_utils.SSLMode.require
    return parameters.ssl if required else None


def _default(name: str) -> str:
    variable, file_name = FILES[name]
    return os.environ.get(variable) or os.path.expanduser(f"~/.postgresql/{file_name}")


def _stat(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, status.st_mtime_ns, status.st_ino
