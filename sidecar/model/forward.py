"""Request bodies on their way to an upstream."""

from typing import Literal, NamedTuple, TypeAlias

Signal: TypeAlias = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class ForwardBody(NamedTuple):
    """An accepted OTLP request as it was received, decompressed; `content_type` is PROTOBUF or JSON.

    One that `is_masked` is what became of it without secrets and personal data.
    """

    signal: Signal
    content_type: str
    body: bytes
    is_masked: bool = False
