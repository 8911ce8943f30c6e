"""What an upstream answers to forwarded telemetry.

An answer that is not what it should be is read as one that says nothing: it is the upstream's mistake, and the status
has told already whether the telemetry was taken.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.schema import ExportResponse, RetryInfo, RpcStatus
from sidecar.codec.peer.numbers import json_integer_of
from sidecar.model.forward import JSON, PROTOBUF

RETRY_INFO_URL = b"type.googleapis.com/google.rpc.RetryInfo"
SHOWN_CHARACTERS = 200
_REFUSED = ("rejectedSpans", "rejectedDataPoints", "rejectedLogRecords")


class Partial(NamedTuple):
    """How many spans, data points or log records were not taken, and why; often a warning without any."""

    refused: int = 0
    message: str = ""


def partial_success(content_type: str, data: bytes) -> Partial:
    """Return what an Export*ServiceResponse says; its field for the refused has number 1 for every signal."""
    try:
        if content_type == JSON:
            found = _mapping(_mapping(json.loads(data)).get("partialSuccess"))
            refused = next((json_integer_of(found[name]) or 0 for name in _REFUSED if name in found), 0)
            return Partial(max(0, refused), _shown(_text(found.get("errorMessage"))))
        partial = ExportResponse.FromString(data).partial_success
        return Partial(max(0, partial.rejected), _shown(partial.error_message))
    except (DecodeError, ValueError, RecursionError):
        return Partial()


def status_text(content_type: str, data: bytes) -> str:
    """Return the message of a google.rpc.Status, or else the start of a body of text."""
    try:
        if content_type == PROTOBUF:
            return _shown(RpcStatus.FromString(data).message)
        if content_type == JSON:
            return _shown(_text(_mapping(json.loads(data)).get("message")))
    except (DecodeError, ValueError, RecursionError):
        return ""
    return _shown(data)


def retry_delay_seconds(status: bytes) -> float | None:
    """Return the delay of the RetryInfo in a google.rpc.Status, None if there is none."""
    try:
        for detail in RpcStatus.FromString(status).details:
            if detail.type_url == RETRY_INFO_URL:
                delay = RetryInfo.FromString(detail.value).retry_delay
                return float(max(0.0, delay.seconds + delay.nanos / 1e9))
    except DecodeError:
        pass
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _shown(text: bytes | str) -> str:
    """Return the start of `text` in one line, without halves of characters, which JSON can write and no log."""
    if isinstance(text, bytes):
        text = text[: 4 * SHOWN_CHARACTERS].decode(errors="replace")
    return " ".join(text[:SHOWN_CHARACTERS].encode(errors="replace").decode().split())
