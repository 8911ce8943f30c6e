"""What becomes of our own spans and metrics, counted, and told when it changes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, NamedTuple

from sidecar.deliver.outage import Outage
from sidecar.deliver.telemetry.sdk_log import SdkLog
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter

Signal = Literal["traces", "metrics"]
DropReason = Literal["queue_full", "not_taken", "shutdown"]

_REASONS: Mapping[Signal, Sequence[DropReason]] = {
    "traces": ("queue_full", "not_taken", "shutdown"),
    "metrics": ("not_taken",),
}


@dataclass(frozen=True, slots=True)
class TelemetryFailing(Event):
    """The first export of our own telemetry that failed."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Our own {signal} are not taken: {reason}."
    signal: str
    reason: str


@dataclass(frozen=True, slots=True)
class TelemetryRecovered(Event):
    """The first export that was taken again."""

    message: ClassVar[str] = "Our own {signal} are taken again; `{lost}` items were lost."
    signal: str
    lost: int


class Tallies(NamedTuple):
    """Those of the signals that are sent; None is what is turned off."""

    traces: "Tally | None"
    metrics: "Tally | None"


class Tally:
    """Counts the items of one signal, spans or data points; `export` runs in a thread, one after the other."""

    def __init__(self, signal: Signal, meter: Meter, clock: Clock, events: Events, log: SdkLog) -> None:
        self._signal = signal
        self._log = log
        self._outage = Outage(
            clock, events, partial(TelemetryFailing, signal), lambda over: TelemetryRecovered(signal, over.lost)
        )
        self._sent = meter.counter(
            "sidecar_telemetry_sent_total", "Spans and data points about the sidecar that were taken.", ["signal"]
        ).labels(signal)
        self._redirects = meter.counter(
            "sidecar_telemetry_redirects_total",
            "Redirects of the receiver of our telemetry to another path of its own that were followed.",
            ["signal"],
        ).labels(signal)
        self._dropped = meter.counter(
            "sidecar_telemetry_dropped_total",
            "Spans and data points about the sidecar that were lost.",
            ["signal", "reason"],
        )
        for reason in _REASONS[signal]:
            self._dropped.labels(signal, reason)
        self._waiting = meter.gauge(
            "sidecar_telemetry_waiting", "Spans about the sidecar that wait to be sent.", ["signal"]
        )

    def watch(self, waiting: Callable[[], float]) -> None:
        """Show how many items wait, as it is at each scrape."""
        self._waiting.labels(self._signal).set_function(waiting)

    def drop(self, count: int, reason: DropReason) -> None:
        """Count items that are lost."""
        self._dropped.labels(self._signal, reason).inc(count)

    def redirected(self) -> None:
        """Count a redirect that was followed."""
        self._redirects.inc()

    def export(self, count: int, work: Callable[[], bool]) -> bool:
        """Return what `work` does, whether it sent its `count` items; an error is a failure like any other."""
        self._log.begin()
        try:
            taken, reason = work(), ""
        except Exception as error:  # noqa: BLE001 - the edge: the thread must live on for the next export
            taken, reason = False, f"{type(error).__name__}: {error}"
        reason = self._log.end() or reason
        if taken:
            self._sent.inc(count)
            self._outage.worked()
        else:
            self.drop(count, "not_taken")
            self._outage.failed(reason, count)
        return taken
