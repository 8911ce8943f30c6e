"""What is counted about sending to a receiver."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from sidecar.runtime.meter import Meter


class SenderMeters:
    """Counters from zero, and how full the queue is; named like Prometheus' own, so that its mixin works here too.

    Names are `prometheus_<meters>_sent_total` and so on, with the one label `kind`, whose value is the receiver.
    """

    def __init__(self, meter: Meter, meters: str, items: str, kind: str, receiver: str) -> None:
        def counter(name: str, text: str) -> Counter:
            return meter.counter(name, text, [kind]).labels(receiver)

        def gauge(name: str, text: str) -> Gauge:
            return meter.gauge(name, text, [kind]).labels(receiver)

        prefix, things = f"prometheus_{meters}", items.capitalize()
        self._sent = counter(f"{prefix}_sent_total", f"{things} sent, failed ones included.")
        self._errors = counter(f"{prefix}_errors_total", f"{things} sent that were not taken.")
        self._redirects = counter(
            f"sidecar_{meters}_redirects_total",
            f"Redirects of the {kind.capitalize()} to another path of its own that were followed.",
        )
        self._dropped = counter(
            f"{prefix}_dropped_total", f"{things} that never arrived: not taken, or the queue was full."
        )
        self._latency = meter.histogram(
            f"{prefix}_latency_seconds",
            f"How long a request with {items} took, those without an answer included.",
            [kind],
        ).labels(receiver)
        self._length = gauge(f"{prefix}_queue_length", f"{things} that wait to be sent.")
        self._capacity = gauge(f"{prefix}_queue_capacity", f"{things} that may wait to be sent.")

    def sent(self, count: int, not_taken: int) -> None:
        """Count items of which `not_taken` are lost."""
        self._sent.inc(count)
        self._errors.inc(not_taken)
        self._dropped.inc(not_taken)

    def dropped(self, count: int) -> None:
        """Count items that are lost without being sent."""
        self._dropped.inc(count)

    def took(self, seconds: float) -> None:
        """Note how long an attempt took."""
        self._latency.observe(seconds)

    def redirected(self) -> None:
        """Count a redirect that was followed."""
        self._redirects.inc()

    def watch(self, length: Callable[[], float], capacity: int) -> None:
        """Show the queue's length as it is at each scrape, and what it may be."""
        self._length.set_function(length)
        self._capacity.set(capacity)
