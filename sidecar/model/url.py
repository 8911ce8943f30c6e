"""Web addresses as they stand in the configuration."""

from urllib.parse import SplitResult, urlsplit

from sidecar.model.redact import redact


def parse_web_url(url: str) -> SplitResult:
    """Return an http or https URL taken apart; raise ValueError for anything else, also for one with credentials.

    The message has the URL only if that cannot hold credentials.
    """
    authority = url.partition("://")[2].partition("?")[0]
    if "@" in authority.partition("/")[0]:
        raise ValueError("credentials do not belong into the URL")
    shown = "this" if "@" in url else f"`{redact(url)}`"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{shown} is not a URL: look at its host and port, which goes up to 65535") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{shown} is not an http or https URL")
    return parts
