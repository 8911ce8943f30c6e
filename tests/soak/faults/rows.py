"""One fault after the other: who tells of it, whether probes notice, and how soon all is well again."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import NamedTuple

import numpy as np

from tests.soak.faults import attacks
from tests.soak.faults.attacks import Attack
from tests.soak.faults.journal import Journal
from tests.soak.faults.prober import Answer, Prober, Question
from tests.soak.faults.world import World, ailments

PROBE_SECONDS = 0.01
MOST_MILLISECONDS = 20.0
RECOVERY_SECONDS = 30.0
LOOK_SECONDS = 0.5
SETTLE_SECONDS = 2.5
"""What counters take to be on /metrics, which is made anew each second."""
SHORT_SECONDS = 7.0


class Row(NamedTuple):
    """A fault; `counter` begins the name of what changes on /metrics, `event` is a class of events or of log lines."""

    what: str
    attack: Attack
    counter: str
    event: str
    seconds: float | None = None
    """How long it lasts, where that matters."""
    stops_us: bool = False
    """Whether nobody can be answered before its end."""


ROWS: Mapping[str, Row] = {
    "A1": Row(
        "a mount with a password and the rules hangs", attacks.hung_files, "sidecar_threads_given_up{", "ThreadGivenUp"
    ),
    "A2": Row(
        "names of eight targets are not answered",
        attacks.silent_names,
        'sidecar_threads_given_up{pool="names"',
        "ThreadGivenUp",
    ),
    "A5": Row(
        "the clock is a day ahead, then right again",
        attacks.clock_a_day_ahead,
        'sidecar_events_total{event="ClockSet"',
        "ClockSet",
        SHORT_SECONDS,
    ),
    "A14": Row(
        "2,000 targets refuse connections",
        attacks.refused_targets,
        "sidecar_target_scrape_failures_total{",
        "TargetDown",
    ),
    "A16": Row(
        "malformed requests at every port",
        attacks.malformed_requests,
        "sidecar_log_lines_repeated_total",
        "Error handling request",
    ),
    "A20": Row(
        "the process is stopped",
        attacks.stopped_sidecar,
        "sidecar_event_loop_lag_seconds",
        "ProcessStoodStill",
        SHORT_SECONDS,
        stops_us=True,
    ),
    "A21": Row(
        "a thousand scrapes a second are asked for",
        attacks.absurd_configuration,
        "sidecar_config_last_reload_successful",
        "ReloadFailed",
    ),
}


class Outcome(NamedTuple):
    """What came of a row."""

    name: str
    row: Row
    probes: list[Answer]
    control: list[Answer]
    counted: bool
    told: bool
    recovered_seconds: float | None
    left: str
    """What was wrong at the end."""

    @property
    def failures(self) -> list[str]:
        """Return what is wrong: what is expected, and what was seen."""
        return [f"{self.name}: {text}" for text in self._wrong()]

    def _wrong(self) -> Iterator[str]:
        if not self.counted:
            yield f"expected {self.row.counter} to change, it did not"
        if not self.told:
            yield f"expected {self.row.event} to be told, it was not"
        if failed := sum(each.status != 200 for each in self.probes):
            yield f"expected 0 failed probes, {failed} of {len(self.probes)} were"
        if (slow := percentile(self.probes, 99)) >= MOST_MILLISECONDS:
            control = percentile(self.control, 99)
            busy = ": the machine is too busy to say" if control >= MOST_MILLISECONDS else ""
            seen = f"it was {slow:.1f}, that of the control {control:.1f}{busy}"
            yield f"expected p99 < {MOST_MILLISECONDS:.0f} ms, {seen}"
        if self.recovered_seconds is None:
            yield f"expected all to be well within {RECOVERY_SECONDS:.0f} s, but {self.left}"


def percentile(answers: list[Answer], percent: float) -> float:
    """Return what `percent` of them took at most, in milliseconds."""
    return float(np.percentile([each.milliseconds for each in answers], percent)) if answers else 0.0


async def outcome(world: World, name: str, seconds: float, journal: Journal) -> Outcome:
    """Let one row happen for so long, or as long as it says."""
    row = ROWS[name]
    journal.say(f"{name}: {row.what}")
    before, log_before = await world.metrics(), len(world.sidecar.log)
    questions = {
        "livez": Question(world.sidecar.port, "livez", PROBE_SECONDS),
        "control": Question(world.control.port, "", PROBE_SECONDS),
    }
    looks: list[Mapping[str, float]] = []
    with Prober(world.folder / f"answers-{name}", questions) as prober:
        async with row.attack(world, Random(1)):
            await _look(world, looks, row.seconds or seconds)
        ended = time.monotonic()
        recovered = await _recovered(world, looks)
    answers = [each for each in prober.answers() if not row.stops_us or each.asked > ended]
    counted = any(_changed(before, look, row.counter) for look in looks)
    event = f'sidecar_events_total{{event="{row.event}"'
    told = any(_changed(before, look, event) for look in looks) or row.event in world.sidecar.log[log_before:]
    result = Outcome(
        name,
        row,
        [each for each in answers if each.name == "livez"],
        [each for each in answers if each.name == "control"],
        counted,
        told,
        recovered,
        ", ".join(ailments(looks[-1])) if looks else "",
    )
    journal.say(f"{name}: {'; '.join(result.failures) or 'as it should be'}")
    return result


async def _look(world: World, looks: list[Mapping[str, float]], seconds: float) -> None:
    """Keep what /metrics shows for so long, as often as it answers; where it cannot, after the end of the attack."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(left):
                looks.append(await world.metrics())
        await asyncio.sleep(min(LOOK_SECONDS, left))


async def _recovered(world: World, looks: list[Mapping[str, float]]) -> float | None:
    """Return how long it took until all was well, None if too long."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < RECOVERY_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(OSError, TimeoutError):
            looks.append(await world.metrics())
            if not ailments(looks[-1]):
                await asyncio.sleep(SETTLE_SECONDS)
                looks.append(await world.metrics())
                return passed
    return None


def _changed(before: Mapping[str, float], now: Mapping[str, float], name: str) -> bool:
    return any(value != before.get(each, 0.0) for each, value in now.items() if each.startswith(name))


HEADER = (
    f"{'row':4} {'what':46} {'probes':>6} {'failed':>6} {'p50':>6} {'p99':>6} {'max':>7} ms {'control p99':>12}"
    f" {'well after':>10}  told"
)


def line(result: Outcome) -> str:
    """Return a line below HEADER."""
    failed = sum(each.status != 200 for each in result.probes)
    times = " ".join(f"{percentile(result.probes, percent):6.1f}" for percent in (50, 99, 100))
    well = "never" if result.recovered_seconds is None else f"{result.recovered_seconds:.1f} s"
    told = " and ".join(word for word, is_so in (("counter", result.counted), ("event", result.told)) if is_so)
    return (
        f"{result.name:4} {result.row.what:46} {len(result.probes):6d} {failed:6d} {times}     "
        f"{percentile(result.control, 99):12.1f} {well:>10}  {told or 'nobody'}"
    )
