"""The board: the latest state of every check in memory, and the verdict of each probe from it.

A probe reads the board and nothing else: no I/O, no lock, no waiting.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sidecar.model.health import Health
from sidecar.probe.config import AnyCheckConfig, ProbesConfig
from sidecar.probe.judge import CheckState, is_hung, is_ready, observe
from sidecar.runtime.clock import Clock

LOOP_WEDGED_SECONDS = 5.0

THROTTLED_RATIO = 0.1
"""We were throttled when the kernel held us back for so much of the time; below it is the daily life of a CPU limit."""

UNCONFIGURED_STATES = 100
"""How many checks may report before `configure` names them: on a reload the new ones run first."""


class Phase(StrEnum):
    """Where the process is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"


class Line(NamedTuple):
    """One check's part in a verdict; `reason` is empty when `ok`."""

    check: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one probe."""

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether every line is good."""
        return all(line.ok for line in self.lines)


class Board:
    """Keeps check states across reloads and answers the probes.

    `loop_lag_seconds(span)` returns how late our own event loop was at worst during the last `span` seconds, and
    `throttled_seconds(span)` for how long of them our cgroup was denied the CPU: a starved pod makes every check time
    out, which says nothing about the app. Both only read memory.
    """

    def __init__(
        self,
        config: ProbesConfig,
        clock: Clock,
        loop_lag_seconds: Callable[[float], float],
        throttled_seconds: Callable[[float], float] = lambda _span: 0.0,
    ) -> None:
        self.phase = Phase.STARTING
        self._clock = clock
        self._loop_lag_seconds = loop_lag_seconds
        self._throttled_seconds = throttled_seconds
        self._started_seconds = clock.monotonic()
        self._states: dict[str, CheckState] = {}
        self._config = config
        self.configure(config)

    def configure(self, config: ProbesConfig) -> None:
        """Take new checks and thresholds; the states of checks that stay, or reported already, are kept."""
        self._config = config
        self._states = {check.name: self._states.get(check.name, CheckState()) for check in config.checks}

    def observe(self, check: str, health: Health) -> None:
        """Take the result of one run of `check`; of one that is not configured it is kept until `configure` decides."""
        if check in self._states or len(self._states) < len(self._config.checks) + UNCONFIGURED_STATES:
            state = self._states.get(check, CheckState())
            self._states[check] = observe(state, health, self._clock.monotonic(), self._config)

    def last(self, check: str) -> Health | None:
        """Return the latest result of `check`, None before the first."""
        return self._states[check].last

    @property
    def checks(self) -> Sequence[AnyCheckConfig]:
        """The configured checks."""
        return self._config.checks

    def live(self) -> Verdict:
        """Answer /livez: whether the app, or we, are not stuck so that only a restart helps."""
        return Verdict((*self.live_self().lines, *self._hang_lines()))

    def live_self(self) -> Verdict:
        """Answer /livez/self: whether the sidecar's own event loop runs."""
        lag = self._loop_lag_seconds(LOOP_WEDGED_SECONDS)
        return Verdict((Line("loop", lag < LOOP_WEDGED_SECONDS, f"event loop was {lag:.1f} s late"),))

    def ready(self) -> Verdict:
        """Answer /readyz: whether this pod may take new traffic."""
        return Verdict((self._phase_line(), *self._ready_lines(self._config.checks)))

    def ready_self(self) -> Verdict:
        """Answer /readyz/self: whether the sidecar itself is up, whatever the app does."""
        return Verdict((self._phase_line(),))

    def started(self) -> Verdict:
        """Answer /startupz: whether the app once finished starting."""
        configured = Line("sidecar", self.phase is not Phase.STARTING, "still starting")
        return Verdict((configured, *self._started_lines()))

    def _phase_line(self) -> Line:
        return Line("sidecar", self.phase is Phase.RUNNING, self.phase.value)

    def _ready_lines(self, checks: Sequence[AnyCheckConfig]) -> Iterator[Line]:
        now = self._clock.monotonic()
        for check in checks:
            ok, reason = is_ready(self._states[check.name], now, _longest_silence_seconds(check), self._config)
            yield Line(check.name, ok, reason)

    def _started_lines(self) -> Iterator[Line]:
        for check in self._config.checks:
            if check.role == "app":
                yield Line(check.name, self._states[check.name].started, "has not passed yet")

    def _hang_lines(self) -> Iterator[Line]:
        now = self._clock.monotonic()
        for check in self._config.checks:
            if check.role != "app":
                continue
            hung, reason = is_hung(self._states[check.name], now, _longest_silence_seconds(check), self._config)
            yield Line(check.name, not (hung and self._may_blame(check, now)), reason)

    def _may_blame(self, check: AnyCheckConfig, now: float) -> bool:
        """Whether a hang would be the app's own: we are settled, not going away, and were not starved ourselves."""
        span = self._config.hang_threshold * (check.interval_seconds + check.timeout_seconds)
        return (
            self.phase is Phase.RUNNING
            and now - self._started_seconds >= self._config.settle_seconds
            and self._loop_lag_seconds(span) < self._config.trusted_loop_lag_seconds
            and self._throttled_seconds(span) < span * THROTTLED_RATIO
        )


def _longest_silence_seconds(check: AnyCheckConfig) -> float:
    return 3 * check.interval_seconds + check.timeout_seconds
