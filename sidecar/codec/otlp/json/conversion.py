"""Whole requests from JSON to protobuf at once, for an upstream that takes no JSON and for masking."""

from functools import cache

from sidecar.codec.otlp.json.convert import Converter
from sidecar.codec.otlp.signal import SIGNALS
from sidecar.model.forward import Signal
from sidecar.model.steps import finished


def protobuf_of(signal: Signal, body: bytes) -> bytes:
    """Return the JSON request `body` as protobuf; raise MalformedInputError or TooLargeError. Meant for a thread."""
    return finished(_converter(signal).protobuf_of(body))


@cache
def _converter(signal: Signal) -> Converter:
    return Converter(next(each for each in SIGNALS if each.name == signal))
