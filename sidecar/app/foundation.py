"""What exists before the heavy imports: clock, own metrics, events, and what the probes need."""

import logging
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from sidecar.api.probes.pod import PodHandler
from sidecar.app.config import SidecarConfig
from sidecar.probe.board import Board
from sidecar.probe.cgroup import Throttling
from sidecar.runtime.clock import Clock
from sidecar.runtime.control import Control
from sidecar.runtime.events import Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import SwitchedTracing
from sidecar.runtime.watchdog import LoopLag


@dataclass(frozen=True, slots=True)
class Foundation:
    """Lives as long as the process; a reload never replaces any of it."""

    clock: Clock
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
    lag = LoopLag(clock)
    throttling = Throttling(clock)
    board = Board(config.probes, clock, lag.worst_seconds, throttling.seconds_within)
    events = Events(logging.getLogger("sidecar"), meter, clock)
    control = Control(board.drain, board.undrain)
    pod = PodHandler(board)
    return Foundation(clock, meter, events, lag, throttling, board, pod, SwitchedTracing(), control, clock.now())
