"""The two formats that OTLP has over HTTP, for requests and for their answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sidecar.codec.otlp import answers as protobuf
from sidecar.codec.otlp.answers import RpcCode
from sidecar.codec.otlp.json import answers as json
from sidecar.codec.otlp.signal import Signal
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.ingest import Ingest, Read


class Format(NamedTuple):
    """How a request is read and answered."""

    content_type: str
    reader: Callable[[Ingest[Any]], Read[Any]]
    max_bytes: Callable[[OtlpConfig], int]
    exported: Callable[[Signal, int, str], bytes]
    """Returns the answer to an accepted request: how many items were not taken, and why."""
    status: Callable[[RpcCode, str], bytes]
    """Returns the answer to a refused request."""


PROTOBUF = Format(
    "application/x-protobuf",
    lambda ingest: ingest.protobuf,
    lambda config: config.max_body_bytes,
    lambda _signal, rejected, reason: protobuf.exported(rejected, reason),
    protobuf.rpc_status,
)
JSON = Format(
    "application/json",
    lambda ingest: ingest.json,
    lambda config: min(config.max_json_bytes, config.max_body_bytes),
    json.exported,
    json.rpc_status,
)

FORMATS = {form.content_type: form for form in (PROTOBUF, JSON)}
