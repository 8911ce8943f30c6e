"""What exists before the heavy imports: clock, own metrics, events, and what the probes need; the first parts."""

import logging
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry

from sidecar.api.config import PodConfig
from sidecar.api.listener import Listener, ListenerConfig
from sidecar.api.probes.pod import PodHandler
from sidecar.app.config import SidecarConfig
from sidecar.app.reload import Part, TierName
from sidecar.probe.board import Board
from sidecar.probe.cgroup import Throttling
from sidecar.runtime.clock import Clock
from sidecar.runtime.control import Control
from sidecar.runtime.events import Events
from sidecar.runtime.library_log import records_repeated
from sidecar.runtime.meter import Meter
from sidecar.runtime.queued_log import lines_dropped
from sidecar.runtime.threads.purposes import expose_threads, tell_of_threads
from sidecar.runtime.tracing import SwitchedTracing
from sidecar.runtime.watchdog import LoopLag, Watchdog
from sidecar.runtime.watched_clock import ClockWatch, WatchedClock

LAG_SECONDS = 15.0
"""As long as between two scrapes."""


@dataclass(frozen=True, slots=True)
class Foundation:
    """Lives as long as the process; a reload never replaces any of it."""

    clock: WatchedClock
    meter: Meter
    events: Events
    lag: LoopLag
    throttling: Throttling
    board: Board
    pod: PodHandler
    tracing: SwitchedTracing
    control: Control
    started_at: float


def lay_foundation(config: SidecarConfig, clock: Clock) -> Foundation:
    """Return the foundation for `config`; imports and opens nothing."""
    meter = Meter(CollectorRegistry(auto_describe=False))
    meter.read_total(
        "sidecar_log_lines_dropped_total",
        "Lines of the log that were not written, because standard error did not take them.",
        lines_dropped,
    )
    meter.read_total(
        "sidecar_log_lines_repeated_total",
        "Lines of libraries, as of malformed requests, that were left out: in the same minute was one of their kind.",
        records_repeated,
    )
    expose_threads(meter)
    lag = LoopLag(clock)
    meter.read(
        "sidecar_event_loop_lag_seconds",
        f"How late our own event loop was at worst in the last {LAG_SECONDS:.0f} seconds: from "
        "`trusted_loop_lag_seconds` on, /livez does not hold timeouts of its checks against the app.",
        partial(lag.worst_seconds, LAG_SECONDS),
    )
    throttling = Throttling(clock)
    board = Board(config.probes, clock, lag.worst_seconds, throttling.seconds_within, lag.stuck_seconds)
    events = Events(logging.getLogger("sidecar"), meter, clock)
    tell_of_threads(events)
    control = Control(board.drain, board.undrain)
    pod = PodHandler(board)
    watched, tracing = WatchedClock(clock), SwitchedTracing()
    return Foundation(watched, meter, events, lag, throttling, board, pod, tracing, control, watched.now())


def first_parts(config: PodConfig, base: Foundation) -> tuple[Part, ...]:
    """Return what runs before the rest is imported: who watches clock and loop, the listener of probes and /metrics.

    The handler that answers there outlives the listener.
    """
    watchdog = partial(Watchdog, base.lag, base.clock, base.events, base.throttling.sample)
    pod = partial(Listener, ListenerConfig("pod", config.listen), base.pod)
    return (
        Part("clock", TierName.API, None, partial(ClockWatch, base.clock)),
        Part("watchdog", TierName.API, None, watchdog),
        Part("pod", TierName.API, config, pod),
    )
