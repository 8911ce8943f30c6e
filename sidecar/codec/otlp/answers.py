"""What a receiver answers: export responses and google.rpc.Status messages."""

from enum import IntEnum

from sidecar.codec.otlp.schema import ExportResponse, PartialSuccess, RpcStatus

EXPORTED = b""
"""An Export*ServiceResponse without partial_success: everything was taken. An empty message is empty in protobuf."""


class RpcCode(IntEnum):
    """The values of google.rpc.Code that we answer with."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


def exported(rejected_spans: int, reason: str) -> bytes:
    """Return an ExportTraceServiceResponse that says how many spans were not taken; EXPORTED if none."""
    if not rejected_spans:
        return EXPORTED
    partial = PartialSuccess(rejected_spans=rejected_spans, error_message=reason.encode())
    data: bytes = ExportResponse(partial_success=partial).SerializeToString()
    return data


def rpc_status(code: RpcCode, message: str) -> bytes:
    """Return a google.rpc.Status in its wire form."""
    data: bytes = RpcStatus(code=code, message=message.encode()).SerializeToString()
    return data
