"""URLs of Redis servers, as arguments for redis-py's connections.

Not redis-py's own reading: there the text may set every option of the library, and more of them break than help.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sidecar.collect.address import is_cut, unknown_names
from sidecar.collect.redis.config import SCHEMES
from sidecar.model.errors import TargetError

OF_EVERY_URL = frozenset({"db", "password", "username"})
OF_TLS = frozenset(
    {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile", "ssl_password"}
)

CHECKS = frozenset({"none", "optional", "required"})
FALSE = frozenset({"0", "f", "false", "n", "no"})

_NOT_A_URL = "this is not the URL of a server; special characters in the password must be percent-encoded"


class RedisUrl(NamedTuple):
    """A URL taken apart: `settings` are arguments of a connection, `ignored` the names of parameters left out."""

    scheme: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    ignored: tuple[str, ...]


def parse_redis_url(text: str) -> RedisUrl:
    """Return `text` taken apart; raise TargetError without quoting it."""
    try:
        parts = urlsplit(text.strip())
        if f"{parts.scheme}://" not in SCHEMES:
            raise TargetError("the URL is not one of redis://, rediss:// or unix://")
        query = parse_qsl(parts.query, keep_blank_values=True)
        known = OF_EVERY_URL | (OF_TLS if parts.scheme == "rediss" else frozenset())
        given = {key: value for key, value in query if value and key in known}
        settings = (_socket(parts) if parts.scheme == "unix" else _server(parts)) | _tls(given)
        settings = {**given, **settings, **_database(given.get("db") or settings.get("db"))}
    except ValueError as error:
        raise TargetError(_NOT_A_URL) from error
    secrets = tuple(settings[key] for key in ("password", "ssl_password") if key in settings)
    return RedisUrl(parts.scheme, settings, secrets, unknown_names([key for key, _ in query], known))


def _socket(parts: SplitResult) -> dict[str, Any]:
    login, _, host = parts.netloc.rpartition("@")
    # A path may have an @ of its own.
    if host or not parts.path or is_cut(parts._replace(path="")):
        raise ValueError
    return {"path": unquote(parts.path)} | _login(login)


def _server(parts: SplitResult) -> dict[str, Any]:
    if not parts.hostname or is_cut(parts):
        raise ValueError
    database = unquote(parts.path).strip("/")
    found = {"host": unquote(parts.hostname), "port": parts.port, "db": database}
    return {key: value for key, value in found.items() if value} | _login(parts.netloc.rpartition("@")[0])


def _login(text: str) -> dict[str, str]:
    username, _, password = text.partition(":")
    login = {"username": unquote(username), "password": unquote(password)}
    return {key: value for key, value in login.items() if value}


def _database(text: str | None) -> dict[str, int]:
    return {} if text is None else {"db": int(text)}


def _tls(given: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if "ssl_cert_reqs" in given:
        # Celery writes it as Python's ssl does: CERT_NONE.
        settings["ssl_cert_reqs"] = given["ssl_cert_reqs"].lower().removeprefix("cert_")
        if settings["ssl_cert_reqs"] not in CHECKS:
            raise TargetError(f"`ssl_cert_reqs` is one of {', '.join(sorted(CHECKS))}")
    if "ssl_check_hostname" in given:
        settings["ssl_check_hostname"] = given["ssl_check_hostname"].lower() not in FALSE
    return settings
