"""Why a request is refused beyond the senders' errors of the model, and how each reads in OTLP."""

from sidecar.codec.otlp.answers import RpcCode
from sidecar.model.errors import SenderError

RETRY_AFTER_SECONDS = 1
"""What Retry-After and RetryInfo say: a sender's exporter backs off on its own from there."""


class OverloadedError(SenderError):
    """We hold as much as we may already; the same request may be accepted a moment later."""

    status = 503


class SlowSenderError(SenderError):
    """The request did not arrive in time."""

    status = 408


class UnknownPathError(SenderError):
    """Nothing is received under this path."""

    status = 404


class WrongMethodError(SenderError):
    """Telemetry is sent with POST."""

    status = 405


_CODES = {
    404: RpcCode.NOT_FOUND,
    405: RpcCode.UNIMPLEMENTED,
    408: RpcCode.DEADLINE_EXCEEDED,
    413: RpcCode.RESOURCE_EXHAUSTED,
    500: RpcCode.INTERNAL,
    503: RpcCode.UNAVAILABLE,
}


def rpc_code_of(status: int) -> RpcCode:
    """Return the google.rpc.Code that goes with an HTTP status."""
    return _CODES.get(status, RpcCode.INVALID_ARGUMENT if status < 500 else RpcCode.INTERNAL)


def retry_after(error: SenderError) -> int | None:
    """Return after how many seconds the same request may be accepted; None if it never will be."""
    return RETRY_AFTER_SECONDS if isinstance(error, OverloadedError) else None
