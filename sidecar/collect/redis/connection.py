"""Opening the one connection of a Redis target."""

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import AbstractConnection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidecar.collect.redis.config import RedisConfig, RedisTlsConfig
from sidecar.model.errors import TargetError


class Connector:
    """Opens connections to one server; reads the URL and password files each time, so they may change."""

    def __init__(self, config: RedisConfig) -> None:
        self._config = config
        self._secrets: tuple[str, ...] = ()
        self.username = "default"

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return self._secrets

    async def connect(self) -> AbstractConnection:
        """Return a new, authenticated connection; the caller's deadline applies."""
        url, login = await self._login()
        try:
            pool = ConnectionPool.from_url(
                url,
                # RESP 2 and no client name, library or time limit: nothing a restricted ACL user may not do, and one
                # deadline only, the scrape's.
                protocol=2,
                driver_info=None,
                socket_timeout=None,
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise TargetError("the URL is not one of redis://, rediss:// or unix://") from error
        # Not given to `from_url`, where what the URL says would win.
        pool.connection_kwargs |= login
        if issubclass(pool.connection_class, SSLConnection):
            pool.connection_kwargs |= _tls_arguments(self._config.tls)
        connection: AbstractConnection = pool.make_connection()  # type: ignore[no-untyped-call] # redis leaves it out
        try:
            if isinstance(connection, SSLConnection):
                # Reads the certificates, which is no work for the loop; `connect` then finds it done.
                await asyncio.to_thread(connection.ssl_context.get)
            await connection.connect()  # type: ignore[no-untyped-call] # redis leaves it out
        except BaseException:
            drop(connection)
            raise
        return connection

    async def _login(self) -> tuple[str, dict[str, Any]]:
        config = self._config
        url = config.url.get_secret_value() if config.url else await _content(str(config.url_file))
        self._secrets = (url,)
        password = config.password.get_secret_value() if config.password else None
        if config.password_file:
            password = await _content(config.password_file)
        self._secrets = tuple(filter(None, (url, password, _password_in(url))))
        self.username = config.username or _username_in(url) or "default"
        login = {"username": config.username, "password": password}
        return url, {key: value for key, value in login.items() if value is not None}


async def is_usable(connection: AbstractConnection) -> bool:
    """Return whether an idle connection is still there; a restarted server has closed it meanwhile."""
    try:
        return connection.is_connected and not await connection.can_read()
    except (RedisError, OSError):
        return False


def certificate_expiry(connection: AbstractConnection) -> float | None:
    """Return when the server's certificate ends, Unix time; None without TLS, or when it was not verified."""
    writer = connection._writer
    certificate = writer.get_extra_info("peercert") if writer is not None else None
    return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None


def drop(connection: AbstractConnection) -> None:
    """Close the socket at once: `disconnect` would first send what a silent server does not take."""
    writer, connection._writer, connection._reader = connection._writer, None, None
    if writer is not None:
        writer.transport.abort()


def _tls_arguments(tls: RedisTlsConfig) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    if tls.insecure_skip_verify:
        arguments |= {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    return {key: value for key, value in arguments.items() if value is not None}


def _password_in(url: str) -> str | None:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return None


def _username_in(url: str) -> str | None:
    try:
        return unquote(urlsplit(url).username or "")
    except ValueError:
        return None


async def _content(path: str) -> str:
    try:
        return (await asyncio.to_thread(Path(path).read_text, "utf-8")).strip()
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
