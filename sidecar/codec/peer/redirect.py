"""Where a redirect leads a request that has a body and credentials: to another path of the same server, or nowhere."""

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from sidecar.model.errors import TargetError

STATUSES = frozenset({301, 302, 303, 307, 308})
"""The other ones of 300 to 399 name no place, or one that is for a reader to choose."""
KEEPING = frozenset({307, 308})
"""Those that ask for the same method and body; by RFC 9110 the others may make a GET of a POST."""
SHOWN_CHARACTERS = 100
_PORTS = {"http": 80, "https": 443}


def redirected_url(url: str, status: int, location: str) -> str:
    """Return where a request to `url`, which was answered by a redirect to `location`, is to be sent again.

    Raises TargetError, which names the server that it would lead to and no more of it, for a redirect to another
    scheme, host or port, and for one that would change the request.
    """
    if not location or not (location.isascii() and location.isprintable()):
        raise TargetError(f"status {status}, a redirect that does not say where to")
    asked = urlsplit(url)
    try:
        target = urlsplit(urljoin(url, location))
        is_same = _origin(target) == _origin(asked)
    except ValueError as error:
        raise TargetError(f"status {status}, a redirect to an address that cannot be read") from error
    if not is_same:
        raise TargetError(f"status {status}, a redirect to `{_shown(target)}`, which is another server: not followed")
    if status not in KEEPING:
        raise TargetError(f"status {status}, a redirect to `{_shown(target)}`: only 307 and 308 are followed")
    # The server is taken from the configured URL: no way of writing the same one leads elsewhere.
    return urlunsplit((asked.scheme, asked.netloc, target.path, target.query, ""))


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _shown(target: SplitResult) -> str:
    host = target.netloc.rpartition("@")[2]  # before it are credentials
    return f"{target.scheme}://{host}"[:SHOWN_CHARACTERS]
