"""DSNs in both of libpq's forms, as arguments for asyncpg."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sidecar.collect.address import is_cut, unknown_names
from sidecar.model.errors import TargetError

DEFAULT_PORT = 5432
MAX_PORT = 65535

WHERE_AND_WHO = frozenset({"database", "dbname", "host", "hostaddr", "password", "port", "user"})

OF_THE_CLIENT = frozenset(
    {
        "gsslib",
        "krbsrvname",
        "passfile",
        "service",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "target_session_attrs",
    }
)
"""What asyncpg understands."""

OF_THE_SERVER = frozenset({"options", "role", "search_path"})
"""Settings of the server that change what we see; it refuses the connection for each name that it does not know."""

OUR_OWN = frozenset({"application_name", "connect_timeout", "fallback_application_name"})
"""Our name and our deadline apply, and nobody expects otherwise."""

KNOWN = WHERE_AND_WHO | OF_THE_CLIENT | OF_THE_SERVER | OUR_OWN

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OF_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?")
"""The driver after the plus is SQLAlchemy's."""
_PLACE = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:\[\]]*))(?::(?P<port>\d*))?")
_PAIR = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?:'(?P<quoted>(?:\\.|[^'\\])*)'|(?P<plain>(?:\\.|[^\s\\'])*))\s*")

_NOT_A_URL = "the DSN is not a URL; special characters in the password must be percent-encoded"

_Pairs = Sequence[tuple[str, str]]


class Dsn(NamedTuple):
    """A DSN taken apart.

    `server` is the host:port of labels, of several hosts a list, `secrets` what none may read, `ignored` the names of
    parameters that are for other drivers.
    """

    server: str
    secrets: tuple[str, ...]
    ignored: tuple[str, ...]
    settings: Mapping[str, Any]

    def arguments(self, password: str | None) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect`; `password` wins over the one in the DSN."""
        return {**self.settings} | ({} if password is None else {"password": password})


def parse_dsn(text: str) -> Dsn:
    """Return `text` (a URL or `host=... user=...`) taken apart; raise TargetError without quoting it."""
    text = text.strip()
    try:
        pairs = _pairs_of_url(text) if _SCHEME.match(text) else _pairs(text)
        given = {key: value for key, value in pairs if value}
        addresses = _list(given, "hostaddr") or _list(given, "host")
        names = _list(given, "host") or addresses or ["localhost"]
        ports = _ports(given, len(names))
    except ValueError as error:
        raise TargetError(_NOT_A_URL) from error
    ignored = unknown_names([key for key, _ in pairs], KNOWN)
    secrets = [given[key] for key in ("password", "sslpassword") if key in given]
    return Dsn(_server(names, ports), tuple(secrets), ignored, _settings(given, addresses, ports))


def _server(names: Sequence[str], ports: Sequence[int]) -> str:
    places = zip(names, ports or [DEFAULT_PORT] * len(names), strict=True)
    return ",".join(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in places)


def _settings(given: Mapping[str, str], addresses: Sequence[str], ports: Sequence[int]) -> dict[str, Any]:
    rest = urlencode({key: value for key, value in given.items() if key in OF_THE_CLIENT | OF_THE_SERVER})
    settings = {
        "dsn": f"postgresql://?{rest}" if rest else "postgresql://",
        "host": addresses,
        "port": ports,
        "user": given.get("user"),
        "password": given.get("password"),
        "database": given.get("dbname") or given.get("database"),
    }
    return {key: value for key, value in settings.items() if value}


def _pairs_of_url(text: str) -> _Pairs:
    """Return what the URL says as pairs; what stands before the query goes last, and wins."""
    parts = urlsplit(text)
    if not _OF_POSTGRES.fullmatch(parts.scheme):
        raise TargetError("the DSN starts with neither postgresql:// nor postgres://")
    login, _, places = parts.netloc.rpartition("@")
    if is_cut(parts):
        raise TargetError(_NOT_A_URL)
    user, _, password = login.partition(":")
    found = [("user", user), ("password", password), ("dbname", parts.path[1:])]
    pairs = [(key, unquote(value)) for key, value in found if value]
    return [*parse_qsl(parts.query, keep_blank_values=True), *pairs, *_places(places)]


def _places(text: str) -> Iterable[tuple[str, str]]:
    matches = [_PLACE.fullmatch(place) for place in text.split(",")]
    if any(match is None for match in matches):
        raise ValueError
    for key in ("host", "port"):
        values = [unquote((key == "host" and match["v6"]) or match[key] or "") for match in matches if match]
        if any(values):
            yield key, ",".join(values)


def _pairs(text: str) -> _Pairs:
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise TargetError("the DSN is neither a URL nor a list of key=value pairs")
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        pairs.append((match["key"], re.sub(r"\\(.)", r"\1", value)))
        position = match.end()
    return pairs


def _list(given: Mapping[str, str], key: str) -> list[str]:
    return given[key].split(",") if key in given else []


def _ports(given: Mapping[str, str], count: int) -> list[int]:
    """Return a port for each of `count` hosts, none if the DSN has none; raise ValueError or TargetError."""
    ports = [int(port or DEFAULT_PORT) for port in _list(given, "port")]
    if any(not 0 < port <= MAX_PORT for port in ports):
        raise ValueError
    if len(ports) not in {0, 1, count}:
        raise TargetError("the DSN has not as many ports as hosts")
    return ports * count if len(ports) == 1 else ports
