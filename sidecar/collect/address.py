"""What the URLs of all kinds of servers have in common."""

from collections.abc import Container, Sequence
from urllib.parse import SplitResult

from sidecar.model.redact import HIDDEN


def is_cut(parts: SplitResult) -> bool:
    """Return whether a character of the login that is not percent-encoded has ended the host too early.

    What is taken for host and port is a part of a password then, and must not be connected to or told.
    """
    own = [field for field in parts.query.split("&") if not field.startswith(("password=", "user=", "username="))]
    return bool(parts.fragment) or any("@" in part for part in (parts.path, *own))


def unknown_names(keys: Sequence[str], known: Container[str]) -> tuple[str, ...]:
    """Return those of `keys` that are not `known`.

    What is no name, or follows a password, may be a part of one, and is hidden.
    """
    end = keys.index("password") if "password" in keys else len(keys)
    told = [key if index < end and key.isidentifier() else HIDDEN for index, key in enumerate(keys) if key not in known]
    return tuple(sorted(set(told)))
