"""What the results of a check mean: a state machine without time of its own.

Readiness uses hysteresis: `failure_threshold` failures in a row take a check out, `success_threshold` passes bring it
back, and a change lasts at least `minimum_dwell_seconds`. Liveness asks another question, whether only a restart helps:
the app fell silent (`hang_threshold` timeouts in a row) or has refused connections for `restart_grace_seconds`. An
answer of any status is a sign of life.
"""

from dataclasses import dataclass, replace

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import ProbesConfig

SILENT = frozenset({Cause.TIMEOUT, Cause.REFUSED})


@dataclass(frozen=True, slots=True)
class CheckState:
    """What is known of one check; times are seconds of a monotonic clock."""

    last: Health | None = None
    last_seconds: float = 0.0
    started: bool = False
    """Latched by the first pass."""
    passing: bool = False
    changed_seconds: float = 0.0
    passes: int = 0
    failures: int = 0
    timeouts: int = 0
    silent_since_seconds: float | None = None
    refused: bool = False


def observe(state: CheckState, health: Health, now: float, config: ProbesConfig) -> CheckState:
    """Return the state after a run of the check ended at `now` with `health`."""
    good = health.status in {Status.PASS, Status.WARN}
    seen = replace(
        state,
        last=health,
        last_seconds=now,
        started=state.started or good,
        passes=state.passes + 1 if good else 0,
        failures=0 if good else state.failures + 1,
        timeouts=state.timeouts + 1 if health.cause is Cause.TIMEOUT else 0,
        silent_since_seconds=_silent_since(state, health, now),
        refused=health.cause is Cause.REFUSED,
    )
    if _flips(state, seen, now, config):
        return replace(seen, passing=not state.passing, changed_seconds=now)
    return seen


def _silent_since(state: CheckState, health: Health, now: float) -> float | None:
    if health.cause not in SILENT:
        return None
    return now if state.silent_since_seconds is None else state.silent_since_seconds


def _flips(before: CheckState, seen: CheckState, now: float, config: ProbesConfig) -> bool:
    first_pass = seen.started and not before.started
    if not first_pass and now - before.changed_seconds < config.minimum_dwell_seconds:
        return False
    if before.passing:
        return seen.failures >= config.failure_threshold
    return first_pass or seen.passes >= config.success_threshold


def is_ready(state: CheckState, now: float, longest_silence_seconds: float, config: ProbesConfig) -> tuple[bool, str]:
    """Return whether the app may take traffic, and if not, why.

    A check that has not reported for `longest_silence_seconds` keeps its last state for `unknown_grace_seconds` more: a
    dead checker must not say "ok" forever.
    """
    if state.last is None or not state.started:
        return False, state.last.reason if state.last else "has not run yet"
    overdue = now - state.last_seconds - longest_silence_seconds
    if overdue > config.unknown_grace_seconds:
        return False, "unknown: the check stopped reporting"
    return (True, "") if state.passing else (False, state.last.reason or state.last.cause.value)


def is_hung(state: CheckState, now: float, config: ProbesConfig) -> tuple[bool, str]:
    """Return whether only a restart would help the app, and why."""
    if not state.started:
        return False, ""
    if state.timeouts >= config.hang_threshold:
        return True, f"no answer {state.timeouts} times in a row"
    if state.refused and state.silent_since_seconds is not None:
        refused_seconds = now - state.silent_since_seconds
        if refused_seconds >= config.restart_grace_seconds:
            return True, f"refuses connections for {refused_seconds:.0f} s"
    return False, ""
