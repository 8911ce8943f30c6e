"""URLs of Redis servers, as arguments for redis-py's connections.

Not redis-py's own reading: there the text may set every option of the library, and more of them break than help.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sidecar.collect.address import is_cut, unknown_names
from sidecar.model.errors import TargetError
from sidecar.model.redact import HIDDEN

OF_EVERY_URL = frozenset({"db", "password", "username", "virtual_host"})
OF_TLS = frozenset(
    {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile", "ssl_password"}
)

CHECKS = frozenset({"none", "optional", "required"})
FALSE = frozenset({"0", "f", "false", "n", "no"})

SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
    "redis+socket": "unix",
}
"""What a URL may start with, and how the server is reached then; `redis+socket` is Celery's word for `unix`."""

MOST_DATABASES = 2**31 - 1

_SCHEME = re.compile("(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://")
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]*\]|[\w.-]*)(?P<port>(?::[^/]*)?)(?P<path>(?:/.*)?)", re.ASCII)
_NUMBER = re.compile("(?:[:/][0-9]*)?")
_DATABASE = re.compile("[0-9]{1,10}")


class RedisUrl(NamedTuple):
    """A URL taken apart: `settings` are arguments of a connection, `ignored` the names of parameters left out.

    `scheme` is `redis`, `rediss` or `unix`.
    """

    scheme: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    ignored: tuple[str, ...]


def parse_redis_url(text: str) -> RedisUrl:
    """Return `text` taken apart; raise TargetError, which has of the value only what can be no part of a password."""
    text = text.strip()
    try:
        return _taken_apart(text)
    except ValueError as error:
        raise TargetError(f"{_shown(text)} is not the URL of a server: {error}") from error


def _taken_apart(text: str) -> RedisUrl:
    match = _SCHEME.match(text)
    scheme = SCHEMES.get(match["scheme"].lower()) if match else None
    if scheme is None:
        raise ValueError(f"it starts with none of {', '.join(f'{known}://' for known in SCHEMES)}")
    parts = _parts(text)
    query = parse_qsl(parts.query, keep_blank_values=True)
    known = OF_EVERY_URL | (OF_TLS if scheme == "rediss" else frozenset())
    given = {key: value for key, value in query if value and key in known}
    settings = (_socket(parts) if scheme == "unix" else _server(parts)) | _tls(given)
    database = given.pop("virtual_host", None)  # Celery's word for it
    settings = {**given, **settings, **_database(given.get("db") or settings.get("db") or database)}
    secrets = tuple(settings[key] for key in ("password", "ssl_password") if key in settings)
    return RedisUrl(scheme, settings, secrets, unknown_names([key for key, _ in query], known))


def _shown(text: str) -> str:
    """Return scheme and server of a URL that is wrong, as far as a password cannot be among them."""
    scheme = _SCHEME.match(text)
    login, at, rest = text.rpartition("@")
    server = _SERVER.fullmatch(rest.partition("?")[0])
    if scheme is None or not at or "?" in login or "#" in login or server is None:
        return "this"
    port, path = (part if _NUMBER.fullmatch(part) else part[:1] + HIDDEN for part in server.group("port", "path"))
    return f"`{scheme[0]}{HIDDEN}@{server['host']}{port}{path}`"


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        # A path of a socket may have an @ of its own.
        if is_cut(parts._replace(path="") if SCHEMES[parts.scheme] == "unix" else parts):
            raise TargetError("special characters in the password of the URL must be percent-encoded")
        port = parts.port
    except ValueError:
        raise ValueError("look at its host and port, which goes up to 65535") from None
    if port == 0:
        raise ValueError("port 0 is none to connect to")
    return parts


def _socket(parts: SplitResult) -> dict[str, Any]:
    login, _, host = parts.netloc.rpartition("@")
    if host or not parts.path:
        raise ValueError("the path of a socket starts with /, as in unix:///run/redis.sock")
    return {"path": unquote(parts.path)} | _login(login)


def _server(parts: SplitResult) -> dict[str, Any]:
    """Return where the server is; no host at all is this machine, a port alone may be the rest of a password."""
    login, _, place = parts.netloc.rpartition("@")
    if place and not parts.hostname:
        raise ValueError("it has no host")
    host = unquote(parts.hostname) if parts.hostname else "localhost"
    found = {"host": host, "port": parts.port, "db": unquote(parts.path).strip("/")}
    return {key: value for key, value in found.items() if value} | _login(login)


def _login(text: str) -> dict[str, str]:
    username, _, password = text.partition(":")
    login = {"username": unquote(username), "password": unquote(password)}
    return {key: value for key, value in login.items() if value}


def _database(text: str | None) -> dict[str, int]:
    if text is None:
        return {}
    if _DATABASE.fullmatch(text) is None or int(text) > MOST_DATABASES:
        raise ValueError("the database is not a number")
    return {"db": int(text)}


def _tls(given: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if "ssl_cert_reqs" in given:
        # Celery writes it as Python's ssl does: CERT_NONE.
        settings["ssl_cert_reqs"] = given["ssl_cert_reqs"].lower().removeprefix("cert_")
        if settings["ssl_cert_reqs"] not in CHECKS:
            raise ValueError(f"`ssl_cert_reqs` is one of {', '.join(sorted(CHECKS))}")
    if "ssl_check_hostname" in given:
        settings["ssl_check_hostname"] = given["ssl_check_hostname"].lower() not in FALSE
    return settings
