"""OTLP/JSON as protobuf, for an upstream that speaks gRPC."""

from functools import cache

from sidecar.codec.otlp.json.convert import Converter
from sidecar.codec.otlp.signal import SIGNALS
from sidecar.model.forward import Signal
from sidecar.model.steps import finished


class Conversion:
    """Converts whole bodies at once; meant for a thread."""

    def __call__(self, signal: Signal, body: bytes) -> bytes:
        """Return the request `body` in protobuf; raise MalformedInputError."""
        return finished(_converter(signal).protobuf_of(body))


@cache
def _converter(signal: Signal) -> Converter:
    return Converter(next(each for each in SIGNALS if each.name == signal))
