"""What can be wrong with the state file."""

import errno
import sqlite3
from enum import StrEnum

from sidecar.model.errors import SidecarError


class Reason(StrEnum):
    """Why the file cannot be used now; label of a metric."""

    CORRUPT = "corrupt"
    FULL = "full"
    READ_ONLY = "read_only"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    GONE = "gone"
    FOREIGN = "foreign"
    NEWER = "newer"
    SLOW = "slow"
    OTHER = "other"


class StateError(SidecarError):
    """The state file cannot be used: everybody goes on in memory, and it is tried again."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


_PRIMARY_CODE = 0xFF
"""SQLite's extended result codes have the primary one in their low byte."""

_REASONS = {
    sqlite3.SQLITE_CORRUPT: Reason.CORRUPT,
    sqlite3.SQLITE_NOTADB: Reason.CORRUPT,
    sqlite3.SQLITE_FULL: Reason.FULL,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_BUSY: Reason.LOCKED,
    sqlite3.SQLITE_LOCKED: Reason.LOCKED,
    sqlite3.SQLITE_CANTOPEN: Reason.UNREACHABLE,
    sqlite3.SQLITE_PERM: Reason.UNREACHABLE,
}


_REASONS_BY_ERRNO = {
    errno.EROFS: Reason.READ_ONLY,
    errno.EACCES: Reason.READ_ONLY,
    errno.EPERM: Reason.READ_ONLY,
    errno.ENOSPC: Reason.FULL,
    errno.EDQUOT: Reason.FULL,
}


def state_error(error: Exception) -> StateError:
    """Return `error` as one whose reason is known.

    What is neither SQLite's nor the system's is OTHER: a value that SQLite cannot hold, and any bug of ours.
    """
    if isinstance(error, OSError):
        return StateError(_REASONS_BY_ERRNO.get(error.errno or 0, Reason.UNREACHABLE), error.strerror or str(error))
    if not isinstance(error, sqlite3.Error):
        return StateError(Reason.OTHER, f"{type(error).__name__}: {error}")
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    return StateError(_REASONS.get(code, Reason.OTHER), str(error))
