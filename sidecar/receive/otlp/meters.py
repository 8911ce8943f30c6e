"""The receivers' own counters."""

from sidecar.runtime.meter import Meter

_SIGNALS = ("traces", "metrics", "logs", "other")
_EXPECTED = (200, 400, 404, 405, 408, 413, 415, 503)


class OtlpMeters:
    """Counts requests, spans and refused bytes of one transport, each from zero."""

    def __init__(self, meter: Meter, transport: str) -> None:
        requests = meter.counter(
            "sidecar_otlp_requests_total", "OTLP requests, by their answer.", ["transport", "signal", "code"]
        )
        refused = meter.counter(
            "sidecar_otlp_refused_bytes_total", "Bytes of refused requests, decompressed.", ["transport", "signal"]
        )
        self._requests = {
            (signal, code): requests.labels(transport, signal, str(code)) for signal in _SIGNALS for code in _EXPECTED
        }
        self._refused_bytes = {signal: refused.labels(transport, signal) for signal in _SIGNALS}
        self._spans = meter.counter("sidecar_otlp_spans_accepted_total", "Spans of accepted OTLP requests.")

    def answered(self, signal: str, code: int) -> None:
        """Count a request by its answer."""
        self._requests[signal, code].inc()

    def accepted(self, spans: int) -> None:
        """Count the spans of an accepted request."""
        self._spans.inc(spans)

    def refused(self, signal: str, code: int, size: int) -> None:
        """Count a refused request and what was read of it."""
        self.answered(signal, code)
        self._refused_bytes[signal].inc(size)
