"""A file of passwords: one, or as redis_exporter's, a JSON object of many by the URLs of their servers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def password_of(text: str, url: str, username: str | None) -> str | None:
    """Return what a file with `text` has for the server at `url`, None if it has those of others only."""
    passwords = _passwords(text)
    if passwords is None:
        return text
    found = (passwords.get(address) for address in _addresses(url, username))
    return next((password for password in found if isinstance(password, str)), None)


def _passwords(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _addresses(url: str, username: str | None) -> Iterator[str]:
    """Yield what the server may be called there, the most exact first."""
    scheme, _, rest = url.partition("://")
    if username:
        yield f"{scheme}://{username}@{rest}"
    yield url
    yield f"{scheme}://{rest.rpartition('@')[2]}"
