"""DSNs in both of libpq's forms, read as libpq 16 reads them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes, urlencode

from sidecar.collect.address import unknown_names
from sidecar.collect.postgres.dsn_parameters import KNOWN, OF_THE_SERVER, SSL_MODES, check, not_done
from sidecar.model.errors import TargetError
from sidecar.model.redact import redact

DEFAULT_PORT = 5432

FOR_ASYNCPG = frozenset(
    {
        *("gsslib", "krbsrvname", "ssl_max_protocol_version", "ssl_min_protocol_version", "sslcert", "sslkey"),
        *("sslcrl", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "target_session_attrs"),
        *OF_THE_SERVER,
    }
)
"""What asyncpg reads as it should; a context of ours goes before what it makes of TLS."""

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_OF_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?", re.IGNORECASE)
"""The driver after the plus is SQLAlchemy's."""
_PLACE = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:\[\]]*))(?::(?P<port>.*))?", re.DOTALL)
_PAIR = re.compile(
    r"\s*(?P<key>\w+)\s*=\s*(?:'(?P<quoted>(?:\\.|[^'\\])*)'|(?P<plain>(?!')(?:\\.|\\\Z|[^\s\\])*))(?=\s|\Z)\s*",
    re.ASCII | re.DOTALL,
)
"""Blanks are those of ASCII: any other is a part of a value, of a password for instance."""
_BLANKS = " \t\n\r\f\v"
_NO_ENCODING = re.compile(r"%(?![0-9a-fA-F]{2})")
_FIELD = re.compile(r"\?(?P<name>\w+)=")

_NOT_A_URL = "the DSN is not a URL; special characters in the password must be percent-encoded"

_Pairs = Sequence[tuple[str, str]]


class Dsn(NamedTuple):
    """A DSN taken apart.

    `server` is the host:port of labels, of several hosts a list, `secrets` what none may read, `ignored` the names of
    parameters that are for other drivers or ask for what is not done here. `given` are the others, as they were given.
    """

    server: str
    secrets: tuple[str, ...]
    ignored: tuple[str, ...]
    given: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The hosts, by name where they have one; a name is what a certificate must be for."""
        return _list(self.given, "host") or self.addresses

    @property
    def addresses(self) -> list[str]:
        """The hosts as they are connected to; none: where the environment says."""
        names, addresses = _list(self.given, "host"), _list(self.given, "hostaddr")
        return [address or name for address, name in zip(addresses or names, names or addresses, strict=True)]

    def arguments(self, password: str | None) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect`; `password` wins over the one in the DSN."""
        given = self.given
        rest = urlencode({key: value for key, value in given.items() if key in FOR_ASYNCPG})
        arguments = {
            "dsn": f"postgresql://?{rest}" if rest else "postgresql://",
            "host": [host or "localhost" for host in self.addresses],
            "port": _ports(given, len(self.names) or 1),
            "user": given.get("user"),
            "password": given.get("password"),
            "database": given.get("dbname"),
        }
        wanted = {key: value for key, value in arguments.items() if value}
        return wanted if password is None else wanted | {"password": password}


def parse_dsn(text: str) -> Dsn:
    """Return `text` (a URL or `host=... user=...`) taken apart; raise TargetError that quotes nothing secret."""
    text = text.strip(_BLANKS)
    url = _URL.fullmatch(text)
    pairs = _pairs_of_url(url["scheme"], url["rest"]) if url else _pairs(text)
    given = {key: value for key, value in pairs if value and key in KNOWN}
    ignored = {*unknown_names([key for key, _ in pairs], KNOWN | {"ssl"}), *not_done(dict(pairs))}
    secrets = tuple(value for key, value in pairs if key in {"password", "sslpassword"} and value)
    return dsn_of(given, tuple(sorted(ignored)), secrets)


def dsn_of(given: Mapping[str, str], ignored: tuple[str, ...] = (), secrets: tuple[str, ...] = ()) -> Dsn:
    """Return the DSN with these parameters; raise TargetError for one that is not as it must be.

    None of the `secrets` is told, also where one stands as the value of something else.
    """
    given = _normal(given)
    try:
        check(given)
    except ValueError as error:
        raise TargetError(redact(str(error), secrets)) from error
    if _list(given, "host") and len(_list(given, "hostaddr")) not in {0, len(_list(given, "host"))}:
        raise TargetError("the DSN has not as many addresses as hosts")
    names = _list(given, "host") or _list(given, "hostaddr") or ["localhost"]
    ports = _ports(given, len(names)) or [DEFAULT_PORT] * len(names)
    places = zip((name or "localhost" for name in names), ports, strict=True)
    server = ",".join(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in places)
    return Dsn(server, secrets, ignored, given)


def _normal(given: Mapping[str, str]) -> dict[str, str]:
    """Return `given` with one name and one spelling for everything."""
    named = {"dbname" if key == "database" else key: value for key, value in given.items()}
    for end in ("min", "max"):
        key = f"ssl_{end}_protocol_version"
        if key in named:
            named[key] = named[key].lower().replace("tlsv", "TLSv")
    return named


def _pairs_of_url(scheme: str, rest: str) -> _Pairs:
    """Return what the URL says as pairs, in its order: the last one of a name wins."""
    if not _OF_POSTGRES.fullmatch(scheme):
        raise TargetError("the DSN starts with neither postgresql:// nor postgres://")
    field = _FIELD.search(rest.partition("/")[0])
    # A question mark may stand in a password, but not one with a parameter after it.
    if field is not None and field["name"] in KNOWN:
        before, query, path = rest[: field.start()], rest[field.start() + 1 :], ""
    else:
        before, _, tail = rest.partition("/")
        path, _, query = tail.partition("?")
    login, _, places = before.rpartition("@")
    if not path and not query:
        places, _, query = places.partition("?")
    _check_cut(places, path, query)
    user, _, password = login.partition(":")
    found = [("user", user), ("password", password), ("dbname", path)]
    pairs = [(key, _decoded(value)) for key, value in found if value]
    return [*pairs, *_places(places), *_fields(query)]


def _check_cut(places: str, path: str, query: str) -> None:
    """Raise TargetError where a part of a password may be taken for something else, to be connected to or told."""
    own = [field for field in query.split("&") if not field.startswith(("password=", "user=", "username="))]
    if "?" in places or any("@" in part for part in (path, *own)):
        raise TargetError(_NOT_A_URL)


def _fields(query: str) -> Iterable[tuple[str, str]]:
    for field in filter(None, query.split("&")):
        name, _, text = field.partition("=")
        value = _decoded(text)
        if name == "options" and " " not in value:
            # A plus is itself in libpq's URLs, and a blank to who made the URL with a library for forms.
            value = value.replace("+", " ")
        if name == "ssl":
            name, value = "sslmode", {"true": "require"}.get(value, value)
            if value not in SSL_MODES:
                continue
        yield _decoded(name), value


def _decoded(text: str) -> str:
    if _NO_ENCODING.search(text):
        raise TargetError("the DSN has a `%` without two hexadecimal digits after it; a `%` itself is %25")
    try:
        value = unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise TargetError("the DSN has percent-encoded bytes that are not UTF-8, which cannot be sent here") from error
    if "\0" in value:
        raise TargetError("the DSN has a %00, which nothing in it may be")
    return value


def _places(text: str) -> Iterable[tuple[str, str]]:
    matches = [match for place in text.split(",") if (match := _PLACE.fullmatch(place))]
    if len(matches) != text.count(",") + 1:
        raise TargetError(_NOT_A_URL)
    for key in ("host", "port"):
        values = [_decoded((key == "host" and match["v6"]) or match[key] or "") for match in matches]
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
        pairs.append((match["key"], re.sub(r"\\(.?)", r"\1", value, flags=re.DOTALL)))
        position = match.end()
    return pairs


def _list(given: Mapping[str, str], key: str) -> list[str]:
    return [item.strip() for item in given[key].split(",")] if key in given else []


def _ports(given: Mapping[str, str], count: int) -> list[int]:
    """Return a port for each of `count` hosts, none if the DSN has none."""
    ports = [int(port or DEFAULT_PORT) for port in _list(given, "port")]
    if len(ports) not in {0, 1, count}:
        raise TargetError("the DSN has not as many ports as hosts")
    return ports * count if len(ports) == 1 else ports
