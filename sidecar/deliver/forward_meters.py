"""What is counted about forwarding."""

from collections.abc import Callable

from sidecar.model.forward import SIGNALS, ForwardBody, Signal
from sidecar.runtime.meter import Meter

FAILURES = ("rejected", "retries", "unreadable")
"""The upstream will never take it; it was tried too often while the upstream took others; it cannot be masked."""
DROPS = ("queue_full", "spill_full", "spill_lost", "shutdown", "unknown")
"""No room in memory; no room on disk; gone with a state file that broke; no time, and no disk; on disk, and not known
what it is: a newer version wrote it."""
OTHER = "other"
"""Signal of what is on disk and is none that we know."""

PREFIX = "sidecar_otlp_forward_"


class ForwardMeters:
    """Counters by signal and reason, each from zero."""

    def __init__(self, meter: Meter) -> None:
        signals = SIGNALS
        self._meter = meter
        attempts = meter.counter(
            f"{PREFIX}attempts_total",
            "Requests to the upstream; each has one or more of those that were received.",
            ["signal"],
        )
        sent = meter.counter(f"{PREFIX}sent_requests_total", "Requests that the upstream took.", ["signal"])
        size = meter.counter(f"{PREFIX}sent_bytes_total", "Bytes of them, before compression.", ["signal"])
        refused = meter.counter(
            f"{PREFIX}refused_items_total",
            "Spans, data points and log records that the upstream left out of requests it took.",
            ["signal"],
        )
        retried = meter.counter(
            f"{PREFIX}retried_requests_total", "Attempts in vain that are followed by another.", ["signal"]
        )
        spilled = meter.counter(f"{PREFIX}spilled_requests_total", "Requests written to disk.", ["signal"])
        spilled_size = meter.counter(f"{PREFIX}spilled_bytes_total", "Bytes of them.", ["signal"])
        failed = meter.counter(f"{PREFIX}failed_requests_total", "Requests given up, by reason.", ["signal", "reason"])
        dropped = meter.counter(
            f"{PREFIX}dropped_requests_total", "Requests lost on the way, by reason.", ["signal", "reason"]
        )
        self._redirected = meter.counter(
            f"{PREFIX}redirects_total", "Redirects of the upstream to another path of its own that were followed."
        )
        self._sent = {signal: (sent.labels(signal), size.labels(signal)) for signal in signals}
        self._spilled = {signal: (spilled.labels(signal), spilled_size.labels(signal)) for signal in signals}
        self._attempts = {signal: attempts.labels(signal) for signal in signals}
        self._refused = {signal: refused.labels(signal) for signal in signals}
        self._retried = {signal: retried.labels(signal) for signal in signals}
        self._failed = {(signal, why): failed.labels(signal, why) for signal in signals for why in FAILURES}
        self._dropped = {(name, why): dropped.labels(name, why) for name in (*signals, OTHER) for why in DROPS}

    def tried(self, signal: Signal) -> None:
        """Count a request to the upstream."""
        self._attempts[signal].inc()

    def sent(self, body: ForwardBody) -> None:
        """Count a body that was taken."""
        requests, size = self._sent[body.signal]
        requests.inc()
        size.inc(len(body.body))

    def refused(self, signal: Signal, items: int) -> None:
        """Count items that were not taken of bodies that were."""
        self._refused[signal].inc(items)

    def spilled(self, body: ForwardBody) -> None:
        """Count a body that was written to disk."""
        requests, size = self._spilled[body.signal]
        requests.inc()
        size.inc(len(body.body))

    def retried(self, signal: Signal) -> None:
        """Count an attempt in vain."""
        self._retried[signal].inc()

    def redirected(self) -> None:
        """Count a redirect that was followed."""
        self._redirected.inc()

    def failed(self, signal: Signal, reason: str) -> None:
        """Count a body that was given up, for one of FAILURES."""
        self._failed[signal, reason].inc()

    def dropped(self, signal: Signal | None, reason: str, count: int = 1) -> None:
        """Count bodies that were lost, for one of DROPS; the signal is None where it is not known."""
        self._dropped[signal or OTHER, reason].inc(count)

    def show(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a gauge as it is at each scrape."""
        self._meter.read(f"{PREFIX}{name}", text, value)
