"""What it says of the app that a connection to it did not come about, or broke."""

import errno
import os
import socket
import ssl

from sidecar.model.health import Cause, Health, Status

NOBODY_THERE = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.EHOSTUNREACH,
        errno.EHOSTDOWN,
        errno.ENETUNREACH,
        errno.ENETDOWN,
    }
)
"""What an app causes that is gone or going; anything else, such as no free local port, may be our own fault."""


def health_of_error(error: OSError) -> Health:
    """Return the health that `error` tells, with a reason that names no address."""
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Health(Status.FAIL, Cause.TIMEOUT, "connection timed out")
    if isinstance(error, socket.gaierror):
        return Health(Status.FAIL, Cause.ERROR, "host name does not resolve")
    if isinstance(error, ssl.SSLError):
        return Health(Status.FAIL, Cause.ANSWERED_BADLY, f"TLS failed: {_tls_reason(error)}")
    cause = Cause.REFUSED if error.errno in NOBODY_THERE else Cause.ERROR
    return Health(Status.FAIL, cause, os.strerror(error.errno).lower() if error.errno else type(error).__name__)


def _tls_reason(error: ssl.SSLError) -> str:
    verify_message: str = getattr(error, "verify_message", "")
    reason: str | None = getattr(error, "reason", None)  # absent when Python itself raised it
    return verify_message or (reason or type(error).__name__).lower().replace("_", " ")
