"""What a receiver answers, in protobuf: export responses and google.rpc.Status messages."""

from enum import IntEnum

from sidecar.codec.otlp.schema import ExportResponse, PartialSuccess, RetryInfo, RpcStatus

EXPORTED = b""
"""An Export*ServiceResponse without partial_success: everything was taken. An empty message is empty in protobuf."""

_RETRY_INFO = b"type.googleapis.com/google.rpc.RetryInfo"


class RpcCode(IntEnum):
    """The values of google.rpc.Code that we answer with; they are gRPC's status codes too."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


def exported(rejected: int, reason: str) -> bytes:
    """Return an Export*ServiceResponse that says how many items were not taken; EXPORTED if none.

    The three signals' responses differ in the name of that field only, which protobuf does not transmit.
    """
    if not rejected:
        return EXPORTED
    partial = PartialSuccess(rejected=rejected, error_message=reason.encode())
    data: bytes = ExportResponse(partial_success=partial).SerializeToString()
    return data


def rpc_status(code: RpcCode, message: str, retry_after_seconds: int | None = None) -> bytes:
    """Return a google.rpc.Status, with a RetryInfo if the same request may succeed after some seconds."""
    status = RpcStatus(code=code, message=message.encode())
    if retry_after_seconds is not None:
        info = RetryInfo(retry_delay={"seconds": retry_after_seconds})
        status.details.add(type_url=_RETRY_INFO, value=info.SerializeToString())
    data: bytes = status.SerializeToString()
    return data
