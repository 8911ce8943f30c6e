"""Requests that are forwarded, without secrets and personal data."""

from sidecar.app.conversion import Conversion
from sidecar.codec.otlp.masked import masked
from sidecar.model.forward import JSON, PROTOBUF, ForwardBody
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor


class RequestMasking:
    """Masks whole requests as `config` says; meant for threads, so with a redactor of its own."""

    def __init__(self, config: RedactConfig) -> None:
        self._redactor = Redactor(config)
        self._convert = Conversion()

    def __call__(self, body: ForwardBody) -> ForwardBody:
        """Return `body` masked and in protobuf; raise MalformedInputError or TooLargeError."""
        signal = body.signal
        data = self._convert(signal, body.body) if body.content_type == JSON else body.body
        return ForwardBody(signal, PROTOBUF, masked(signal, data, self._redactor), is_masked=True)
