"""Opening the one connection of a Redis target."""

import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    RedisSSLContext,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sidecar.collect.events import ParametersIgnored
from sidecar.collect.redis.config import RedisConfig, RedisTlsConfig
from sidecar.collect.redis.passwords import password_of
from sidecar.collect.redis.url import RedisUrl, parse_redis_url
from sidecar.model.errors import TargetError
from sidecar.runtime.events import Event
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.threads.purposes import FILES
from sidecar.runtime.tls import check_usable

CLASSES: Mapping[str, type[AbstractConnection]] = {
    "redis": Connection,
    "rediss": SSLConnection,
    "unix": UnixDomainSocketConnection,
}


class Connector:
    """Opens connections to one server; reads the URL and password files each time, so they may change."""

    def __init__(self, config: RedisConfig, emit: Callable[[Event], None]) -> None:
        self._config = config
        self._emit = emit
        self._files = SecretFiles()
        self._secrets: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self.username = "default"

    @property
    def secrets(self) -> Iterable[str]:
        """What was used to log in last, to be kept out of error texts."""
        return self._secrets

    async def connect(self) -> AbstractConnection:
        """Return a new, authenticated connection; the caller's deadline applies."""
        url = await self._url()
        settings = {**url.settings, **await self._login(url)}
        self.username = settings.get("username", "default")
        if url.scheme == "rediss":
            settings |= _tls_arguments(self._config.tls)
        connection = CLASSES[url.scheme](
            **settings,
            # RESP 2 and no client name, library or time limit: nothing a restricted ACL user may not do, and one
            # deadline only, the scrape's.
            protocol=2,
            driver_info=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            if isinstance(connection, SSLConnection):
                # Reads the certificates, which is no work for the loop; `connect` then finds it done.
                made = partial(_tls_context, connection.ssl_context)
                connection.ssl_context.context = await FILES.run(made, source=self)
            await connection.connect()  # type: ignore[no-untyped-call] # redis leaves it out
        except BaseException:
            drop(connection)
            raise
        return connection

    async def _url(self) -> RedisUrl:
        config = self._config
        text = config.url.get_secret_value() if config.url else await self._files.read(str(config.url_file))
        self._secrets = (text,)
        url = parse_redis_url(text)
        self._secrets += url.secrets
        if url.ignored and url.ignored != self._told:
            names = ", ".join(f"`{name}`" for name in url.ignored)
            self._emit(ParametersIgnored(f"redis/{config.name}", names))
        self._told = url.ignored
        return url

    async def _login(self, url: RedisUrl) -> dict[str, str]:
        """Return what the configuration has instead of the URL's."""
        config = self._config
        password = config.password.get_secret_value() if config.password else None
        if config.password_file:
            username = config.username or url.settings.get("username")
            password = password_of(await self._files.read(config.password_file), self._secrets[0], username)
            if password is None:
                raise TargetError(f"`{config.password_file}` has no password for this URL")
        self._secrets += (password,) if password else ()
        login = {"username": config.username, "password": password}
        return {key: value for key, value in login.items() if value is not None}


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


def _tls_context(arguments: RedisSSLContext) -> ssl.SSLContext:
    check_usable(arguments.ca_certs, arguments.certfile, arguments.keyfile)
    return arguments.get()


def _tls_arguments(tls: RedisTlsConfig) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }
    if tls.insecure_skip_verify:
        arguments |= {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    return {key: value for key, value in arguments.items() if value is not None}
