"""DSNs in both of libpq's forms, as arguments for asyncpg."""

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from sidecar.model.errors import TargetError

# Settings of other drivers that the server would refuse as unknown parameters; our own deadline and name apply.
NOT_FOR_THE_SERVER = {
    "application_name",
    "binary_parameters",
    "connect_timeout",
    "default_query_exec_mode",
    "fallback_application_name",
    "pool_max_conns",
    "statement_cache_capacity",
}

_PAIR = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?:'(?P<quoted>(?:\\.|[^'\\])*)'|(?P<plain>(?:\\.|[^\s\\'])*))\s*")


class Dsn(NamedTuple):
    """A DSN taken apart: `url` is what asyncpg gets, `server` the host:port of labels, `secrets` what none may read."""

    url: str
    server: str
    secrets: tuple[str, ...]

    def arguments(self, password: str | None) -> dict[str, Any]:
        """Return the arguments of `asyncpg.connect`; `password` wins over the one in the DSN."""
        return {"dsn": self.url} | ({} if password is None else {"password": password})


def parse_dsn(text: str) -> Dsn:
    """Return `text` (a URL or `host=... user=...`) taken apart; raise TargetError without quoting it."""
    text = text.strip()
    url = text if "://" in text else _url_of_pairs(text)
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        host, port = parts.hostname or query.get("host", "localhost"), parts.port or query.get("port", 5432)
    except ValueError as error:
        raise TargetError("the DSN is not a URL; special characters in the password must be percent-encoded") from error
    kept = urlencode({key: value for key, value in query.items() if key not in NOT_FOR_THE_SERVER})
    secrets = (unquote(parts.password or ""), query.get("password", ""))
    # Not urlunsplit: it drops the slashes of a URL without a host.
    bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return Dsn(f"{bare}?{kept}" if kept else bare, f"{host}:{port}", tuple(filter(None, secrets)))


def _url_of_pairs(text: str) -> str:
    pairs: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise TargetError("the DSN is neither a URL nor a list of key=value pairs")
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        pairs[match["key"]] = re.sub(r"\\(.)", r"\1", value)
        position = match.end()
    return f"postgresql://?{urlencode(pairs)}"
