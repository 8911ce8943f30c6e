"""Opening connections to a Postgres target."""

import getpass
import os
import random
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NoReturn

import asyncpg

from sidecar import __version__
from sidecar.collect.events import ParametersIgnored
from sidecar.collect.postgres.client_files import Login, password_of, service_of
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.dsn import DEFAULT_PORT, Dsn, dsn_of, parse_dsn
from sidecar.collect.postgres.encodings import UTF8, local_text, shared_name
from sidecar.collect.postgres.session import Session, SessionLimits
from sidecar.collect.postgres.tls import TlsContexts
from sidecar.collect.postgres.wire import Wire, codecs_of
from sidecar.model.errors import TargetError
from sidecar.runtime.events import Event
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.threads.purposes import FILES

_NO_FILE = f"{os.devnull}/none"
"""Of passwords, for asyncpg: it has been looked for before, as libpq looks for it."""


async def _connected(arguments: Mapping[str, Any]) -> Any:
    try:
        return await asyncpg.connect(  # type: ignore[call-overload] # the stubs know no `timeout=None`
            **arguments,
            timeout=None,
            statement_cache_size=0,
            server_settings={"application_name": f"sidecar/{__version__}"},
        )
    except asyncpg.ConnectionDoesNotExistError as error:
        # asyncpg drops a last message that it cannot decode, and who refuses us speaks the language of his locale.
        text = "the server closed the connection, without a message or with one that is not UTF-8: its log says why"
        raise TargetError(text) from error


async def session_on(connection: Any, limits: SessionLimits) -> Session:
    """Return a session on a new connection, whose values are read as `wire` does."""
    encoding = getattr(connection.get_settings(), "server_encoding", UTF8)
    version = connection.get_server_version()
    wire = Wire(local_text(encoding), shared_name(encoding))
    for name, decode in codecs_of(wire).items():
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_no_parameters, decoder=decode, format="binary"
        )
    return Session(connection, limits, encoding, version.major * 10_000, wire)


def with_service(dsn: Dsn, environment: Mapping[str, str]) -> Dsn:
    """Return `dsn` with the parameters of the service that it or the environment names; its own win."""
    name = dsn.given.get("service") or environment.get("PGSERVICE")
    if not name:
        return dsn
    service = service_of(name, environment)
    secrets = (service[key] for key in ("password", "sslpassword") if key in service)
    return dsn_of({**service, **dsn.given}, dsn.ignored, (*dsn.secrets, *secrets))


def _found_password(dsn: Dsn) -> str | None:
    given, environment = dsn.given, os.environ
    user = given.get("user") or environment.get("PGUSER") or getpass.getuser()
    database = given.get("dbname") or environment.get("PGDATABASE") or user
    hosts = dsn.names or [environment.get("PGHOST") or "localhost"]
    ports = dsn.arguments(None).get("port") or [environment.get("PGPORT") or DEFAULT_PORT]
    found = environment.get("PGPASSWORD")
    return found or password_of(Login(hosts, ports, database, user), given.get("passfile"), environment)


def _shuffled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    hosts = arguments.get("host", [])
    ports = arguments.get("port") or [DEFAULT_PORT] * len(hosts)
    places = random.sample(list(zip(hosts, ports, strict=True)), len(hosts))
    return {"host": [host for host, _ in places], "port": [port for _, port in places]} if places else {}


def _no_parameters(value: object) -> NoReturn:
    raise TargetError("no statement of ours has parameters")


class Connector:
    """Opens connections to one server; reads the DSN and password files each time, so they may change."""

    def __init__(self, config: PostgresConfig, emit: Callable[[Event], None]) -> None:
        self._config = config
        self._emit = emit
        self._limits = SessionLimits(config.timeout_seconds)
        self._tls = TlsContexts()
        self._files = SecretFiles()
        self._secrets: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self.address = ""

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return self._secrets

    async def connect(self, database: str | None = None) -> Session:
        """Return a new session that `set_up` has yet to be called of; the caller's deadline applies.

        `database` is asked for instead of the DSN's. No statement is cached: behind a pooler that would fail.
        """
        dsn, password = await self._login()
        arguments = dsn.arguments(password) | {"passfile": _NO_FILE}
        if dsn.given.get("load_balance_hosts") == "random":
            arguments |= _shuffled(arguments)
        if database is not None:
            arguments["database"] = database
        arguments["ssl"] = await self._tls.context(dsn)
        return await session_on(await _connected(arguments), self._limits)

    async def _login(self) -> tuple[Dsn, str | None]:
        """Return the DSN with what its service says, and the password that goes with it, if there is one."""
        config = self._config
        text = config.dsn.get_secret_value() if config.dsn else await self._files.read(str(config.dsn_file))
        self._secrets = (text,)
        dsn = parse_dsn(text)
        self._secrets = (text, *dsn.secrets)
        dsn = await FILES.run(partial(with_service, dsn, os.environ), source=(self, "service"))
        self._secrets = (text, *dsn.secrets)
        password = await self._files.read(config.password_file) if config.password_file else dsn.given.get("password")
        password = password or await FILES.run(partial(_found_password, dsn), source=(self, "passfile"))
        self._secrets = (text, *dsn.secrets, *([password] if password else []))
        self.address = dsn.server
        self._tell(dsn.ignored)
        return dsn, password

    def _tell(self, ignored: tuple[str, ...]) -> None:
        if ignored and ignored != self._told:
            names = ", ".join(f"`{name}`" for name in ignored)
            self._emit(ParametersIgnored(f"postgres/{self._config.name}", names))
        self._told = ignored
