"""What the results of a check mean: a state machine without time of its own.

Readiness uses hysteresis: `failure_threshold` failures in a row take a check out, `success_threshold` passes bring it
back, and a change lasts at least `minimum_dwell_seconds`. Liveness asks another question, whether only a restart helps.
A run of silence is timeouts and refusals one after another; an answer of any status, or an error of our own, ends it:

- only timeouts so far: the app hangs after `hang_threshold` of them in a row;
- a refusal among them: nobody listened, so the app is restarting, and may accept and not answer yet, or refuse again,
  while it does. It has `restart_grace_seconds` from the first refusal of the run, whatever timeouts came before or come
  after. Seen past that, it is given up: after two refusals, or `hang_threshold` timeouts in a row.

Only what was observed counts, never the time since: a check that runs seldom, or stopped reporting, fails no liveness.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import ProbesConfig

REFUSALS_NEEDED = 2
"""One refusal alone may be the moment between two processes, however long ago it was."""


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
    """In a row, up to the last run."""
    refusals: int = 0
    """In this run of silence."""
    refused_since_seconds: float = 0.0
    """When the first of `refusals` was seen."""
    blamed: bool = False
    """Whether the app was found hung while that was surely its own; until there is hope for it again."""


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
        refusals=_refusals(state, health),
        refused_since_seconds=state.refused_since_seconds if state.refusals else now,
    )
    if _flips(state, seen, now, config):
        return replace(seen, passing=not state.passing, changed_seconds=now)
    return seen


def _refusals(state: CheckState, health: Health) -> int:
    if health.cause is Cause.REFUSED:
        return state.refusals + 1
    return state.refusals if health.cause is Cause.TIMEOUT else 0


def _flips(before: CheckState, seen: CheckState, now: float, config: ProbesConfig) -> bool:
    first_pass = seen.started and not before.started
    if not first_pass and now - before.changed_seconds < config.minimum_dwell_seconds:
        return False
    if before.passing:
        return seen.failures >= config.failure_threshold
    return first_pass or seen.passes >= config.success_threshold


class Judged(NamedTuple):
    """Whether a check is good for one question, and if not, why."""

    ok: bool
    reason: str = ""


GOOD = Judged(True)


def has_started(state: CheckState, _config: ProbesConfig) -> Judged:
    """Return whether the app once finished starting."""
    return Judged(state.started, "" if state.started else "has not passed yet")


def is_ready(state: CheckState, _config: ProbesConfig) -> Judged:
    """Return whether the app may take traffic."""
    if state.last is None or not state.started:
        return Judged(False, state.last.reason if state.last else "has not run yet")
    return GOOD if state.passing else Judged(False, state.last.reason or state.last.cause.value)


def is_not_hung(state: CheckState, config: ProbesConfig) -> Judged:
    """Return whether there is hope for the app without a restart."""
    silent = state.timeouts >= config.hang_threshold
    if not state.started:
        return GOOD
    if not state.refusals:
        return Judged(False, f"no answer {state.timeouts} times in a row") if silent else GOOD
    refused_seconds = state.last_seconds - state.refused_since_seconds
    if refused_seconds >= config.restart_grace_seconds and (silent or state.refusals >= REFUSALS_NEEDED):
        return Judged(False, f"no answer for {refused_seconds:.0f} s, {state.refusals} times connections were refused")
    return GOOD
