"""What a receiver answers, in JSON: export responses and google.rpc.Status messages."""

from sidecar.codec.json_text import json_bytes
from sidecar.codec.otlp.answers import RpcCode
from sidecar.codec.otlp.signal import Signal

EXPORTED = b"{}"
"""An Export*ServiceResponse without partialSuccess: everything was taken. Nothing at all would not be JSON."""


def exported(signal: Signal, rejected: int, reason: str) -> bytes:
    """Return an Export*ServiceResponse that says how many items were not taken; EXPORTED if none."""
    if not rejected:
        return EXPORTED
    # int64 is a string in the JSON of protobuf
    return json_bytes({"partialSuccess": {signal.rejected: str(rejected), "errorMessage": reason}})


def rpc_status(code: RpcCode, message: str) -> bytes:
    """Return a google.rpc.Status."""
    return json_bytes({"code": int(code), "message": message})
