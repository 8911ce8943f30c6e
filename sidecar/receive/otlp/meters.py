"""The receivers' own counters."""

from collections.abc import Sequence

from sidecar.codec.otlp.signal import SIGNALS, TRACES, Signal
from sidecar.receive.otlp.ingest import Ingested
from sidecar.runtime.meter import Meter

OTHER = "other"
"""The signal of a request that is for none."""


class OtlpMeters:
    """Counts requests, items and what was refused of one transport, each from zero; `codes` are its answers."""

    def __init__(self, meter: Meter, transport: str, codes: Sequence[str]) -> None:
        requests = meter.counter(
            "sidecar_otlp_requests_total", "OTLP requests, by their answer.", ["transport", "signal", "code"]
        )
        refused = meter.counter(
            "sidecar_otlp_refused_bytes_total", "Bytes of refused requests, decompressed.", ["transport", "signal"]
        )
        names = (*(signal.name for signal in SIGNALS), OTHER)
        self._requests = {(name, code): requests.labels(transport, name, code) for name in names for code in codes}
        self._refused_bytes = {name: refused.labels(transport, name) for name in names}
        self._items = {signal: _ItemMeters(meter, transport, signal) for signal in SIGNALS}

    def answered(self, signal: Signal | None, code: str) -> None:
        """Count a request by its answer."""
        self._requests[_name(signal), code].inc()

    def accepted(self, signal: Signal, request: Ingested) -> None:
        """Count the items of an accepted request."""
        self._items[signal].count(request)

    def refused(self, signal: Signal | None, code: str, size: int) -> None:
        """Count a refused request and what was read of it."""
        self.answered(signal, code)
        self._refused_bytes[_name(signal)].inc(size)


class GatherMeters:
    """Counts what is given to the sink of spans, over all transports."""

    def __init__(self, meter: Meter) -> None:
        self._flushes = meter.counter(
            "sidecar_otlp_gathered_batches_total",
            "Batches in which spans were analysed, those of several requests together.",
        )
        self._spans = meter.counter("sidecar_otlp_gathered_spans_total", "Spans of them.")
        self._failed = meter.counter(
            "sidecar_otlp_gathered_failed_spans_total",
            "Spans of them that could not be analysed because of an error of the sidecar's own.",
        )

    def flushed(self, spans: int) -> None:
        """Count a batch."""
        self._flushes.inc()
        self._spans.inc(spans)

    def failed(self, spans: int) -> None:
        """Count spans that are lost."""
        self._failed.inc(spans)


class _ItemMeters:
    def __init__(self, meter: Meter, transport: str, signal: Signal) -> None:
        items = signal.items.replace("_", " ")
        accepted = meter.counter(
            f"sidecar_otlp_{signal.items}_accepted_total", f"Accepted {items} of OTLP requests.", ["transport"]
        )
        rejected = meter.counter(
            f"sidecar_otlp_{signal.items}_rejected_total",
            f"Rejected {items} of accepted OTLP requests: too large, over a limit of what is kept, or invalid.",
            ["transport", "reason"],
        )
        skipped = meter.counter(
            "sidecar_otlp_skipped_total",
            "Parts that were not looked at: attributes after the first 256 of an item or resource, events after 32.",
            ["transport", "signal", "part"],
        )
        parts = ("attributes", "events") if signal is TRACES else ("attributes",)
        self._accepted = accepted.labels(transport)
        self._too_large = rejected.labels(transport, "too_large")
        self._over_limit = rejected.labels(transport, "limit")
        self._invalid = rejected.labels(transport, "invalid")
        self._skipped = {part: skipped.labels(transport, signal.name, part) for part in parts}

    def count(self, request: Ingested) -> None:
        self._accepted.inc(request.accepted)
        if request.lost:
            self._too_large.inc(request.rejected)
            self._over_limit.inc(request.refused - request.invalid)
            self._invalid.inc(request.invalid)
        for part, count in request.skipped.items():
            if count:
                self._skipped[part].inc(count)


def _name(signal: Signal | None) -> str:
    return signal.name if signal else OTHER
