"""The board: the latest state of every check in memory, and the verdict of each probe from it.

A probe reads the board and nothing else: no I/O, no lock, no waiting.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, assert_never

from sidecar.model.health import Health
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.config import ProbesConfig
from sidecar.probe.groups import BY_PATH, Group, Input, OnUnknown
from sidecar.probe.judge import GOOD, CheckState, Judged, is_not_hung, observe
from sidecar.runtime.clock import Clock

LOOP_WEDGED_SECONDS = 5.0

THROTTLED_RATIO = 0.1
"""We were throttled when the kernel held us back for so much of the time; below it is the daily life of a CPU limit."""


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

    `loop_lag_seconds(span)` returns how late our own event loop was at worst during the last `span` seconds,
    `loop_stuck_seconds(span)` the same without the times in which our whole process stood still, and
    `throttled_seconds(span)` for how long of them our cgroup was denied the CPU: a starved pod makes every check time
    out, which says nothing about the app. All only read memory.
    """

    def __init__(
        self,
        config: ProbesConfig,
        clock: Clock,
        loop_lag_seconds: Callable[[float], float],
        throttled_seconds: Callable[[float], float] = lambda _span: 0.0,
        loop_stuck_seconds: Callable[[float], float] | None = None,
    ) -> None:
        self._started = False
        self._draining = False
        self._clock = clock
        self._loop_lag_seconds = loop_lag_seconds
        self._loop_stuck_seconds = loop_stuck_seconds or loop_lag_seconds
        self._throttled_seconds = throttled_seconds
        self._started_seconds = clock.monotonic()
        self._states: dict[str, CheckState] = {}
        self.config = config
        self.configure(config)

    def expect(self, config: ProbesConfig) -> None:
        """Take results of the checks of `config` too, which comes into force soon: its new checks run first.

        `configure` ends that, with the one that came into force.
        """
        self._states |= {check.name: self._states.get(check.name, CheckState()) for check in config.checks}

    def configure(self, config: ProbesConfig) -> None:
        """Take new checks and thresholds; the states of checks that stay, or reported already, are kept."""
        self.config = config
        self._states = {check.name: self._states.get(check.name, CheckState()) for check in config.checks}

    def observe(self, check: str, health: Health) -> None:
        """Take the result of one run of `check`; one of a check that is neither configured nor expected is dropped."""
        if check in self._states:
            now = self._clock.monotonic()
            state = observe(self._states[check], health, now, self.config)
            self._states[check] = replace(state, blamed=self._is_blamed(check, state, now))

    @property
    def phase(self) -> Phase:
        """Where the process is in its life: starting until `start`, draining from `drain` to `undrain`."""
        if not self._started:
            return Phase.STARTING
        return Phase.DRAINING if self._draining else Phase.RUNNING

    def start(self) -> None:
        """Say from now on that everything is up."""
        self._started = True

    def drain(self) -> None:
        """Say from now on that this pod takes no new traffic."""
        self._draining = True

    def undrain(self) -> None:
        """Take `drain` back."""
        self._draining = False

    def last(self, check: str) -> Health | None:
        """Return the latest result of `check`, None before the first."""
        return self._states[check].last

    def verdict_at(self, path: str) -> Verdict | None:
        """Answer the probe at `path`, None when there is none there."""
        group = BY_PATH.get(path)
        return self.verdict(group) if group is not None else None

    def verdict(self, group: Group) -> Verdict:
        """Answer the question of `group` as of now."""
        return Verdict((*self._input_lines(group), *self._check_lines(group)))

    def _input_lines(self, group: Group) -> Iterator[Line]:
        for name in group.inputs:
            match name:
                case Input.LOOP:
                    stuck = self._loop_stuck_seconds(LOOP_WEDGED_SECONDS)
                    yield Line("loop", stuck < LOOP_WEDGED_SECONDS, f"event loop was {stuck:.1f} s late")
                case Input.RUNNING:
                    yield Line("sidecar", self.phase is Phase.RUNNING, self.phase.value)
                case Input.CONFIGURED:
                    yield Line("sidecar", self.phase is not Phase.STARTING, "still starting")
                case _:
                    assert_never(name)

    def _check_lines(self, group: Group) -> Iterator[Line]:
        now = self._clock.monotonic()
        for check in self.config.checks:
            if check.role in group.roles:
                judged = self._judged(group, check, now)
                excused = group.blames and not judged.ok and not self._blames(check, now)
                yield Line(check.name, judged.ok or excused, judged.reason)

    def _blames(self, check: CheckConfig, now: float) -> bool:
        """Whether a hang has the app restarted: it is the app's own now, or was when we saw it."""
        return self._restarts(now) and (self._states[check.name].blamed or self._was_punctual(check))

    def _judged(self, group: Group, check: CheckConfig, now: float) -> Judged:
        state = self._states[check.name]
        overdue_seconds = now - state.last_seconds - _longest_silence_seconds(check)
        if overdue_seconds > 0 and group.on_unknown is OnUnknown.PASS:
            return GOOD
        judged = group.judge(state, self.config)
        patience = self.config.unknown_grace_seconds
        if state.started and overdue_seconds > patience and group.on_unknown is OnUnknown.FAIL_LATER:
            return Judged(False, "unknown: the check stopped reporting")
        return judged

    def _is_blamed(self, name: str, state: CheckState, now: float) -> bool:
        """Whether a hang is the app's own now, or was before: then no trouble of ours takes it back."""
        if is_not_hung(state, self.config).ok:
            return False
        checks = (check for check in self.config.checks if check.name == name)
        return state.blamed or (self._restarts(now) and any(map(self._was_punctual, checks)))

    def _restarts(self, now: float) -> bool:
        """Whether we are where a hang has the app restarted: settled, and not going away."""
        return self.phase is Phase.RUNNING and now - self._started_seconds >= self.config.settle_seconds

    def _was_punctual(self, check: CheckConfig) -> bool:
        """Whether we were not starved ourselves while it was found hung."""
        span = self.config.hang_threshold * (check.interval_seconds + check.timeout_seconds)
        return (
            self._loop_lag_seconds(span) < self.config.trusted_loop_lag_seconds
            and self._throttled_seconds(span) < span * THROTTLED_RATIO
        )


def _longest_silence_seconds(check: CheckConfig) -> float:
    return 3 * check.interval_seconds + check.timeout_seconds
