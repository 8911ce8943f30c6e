"""The receivers' own counters."""

from sidecar.receive.otlp.ingest import Ingested
from sidecar.runtime.meter import Meter

_SIGNALS = ("traces", "metrics", "logs", "other")
_EXPECTED = (200, 400, 404, 405, 408, 413, 415, 503)


class OtlpMeters:
    """Counts requests, spans and what was refused of one transport, each from zero."""

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
        self._rejected = meter.counter(
            "sidecar_otlp_spans_rejected_total", "Spans of accepted OTLP requests that were left out: too large."
        )
        skipped = meter.counter(
            "sidecar_otlp_skipped_total",
            "Attributes and events that were not looked at: those after the first 256 and 32 of a span or resource.",
            ["part"],
        )
        self._skipped = {part: skipped.labels(part) for part in ("attributes", "events")}

    def answered(self, signal: str, code: int) -> None:
        """Count a request by its answer."""
        self._requests[signal, code].inc()

    def accepted(self, request: Ingested) -> None:
        """Count the spans of an accepted request."""
        self._spans.inc(request.accepted)
        self._rejected.inc(request.rejected)
        for part, count in request.skipped.items():
            self._skipped[part].inc(count)

    def refused(self, signal: str, code: int, size: int) -> None:
        """Count a refused request and what was read of it."""
        self.answered(signal, code)
        self._refused_bytes[signal].inc(size)
