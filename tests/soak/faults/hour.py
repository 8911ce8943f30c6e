"""Faults at random, some at once, while the app dies and comes back: what was done when, and what probes answered."""

import asyncio
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from tests.soak.faults.attacks import RANDOM_ATTACKS, frozen
from tests.soak.faults.journal import Journal
from tests.soak.faults.prober import Answer, Prober, Question
from tests.soak.faults.world import World, ailments

LANES = 3
"""Faults at once, at most."""
PAUSE_SECONDS, FAULT_SECONDS = (1.0, 12.0), (3.0, 20.0)
DOWN_SECONDS = (12.0, 40.0)
FREEZES = 0.25
"""Of as many deaths as are asked for so many more are freezes: the app is there and does not answer."""
RECOVERY_SECONDS = 30.0
PROGRESS_SECONDS = 60.0
LOOK_SECONDS = 1.0
TRUSTED_LAG_SECONDS = 0.25
"""The default of `trusted_loop_lag_seconds`."""


class Span(NamedTuple):
    """Something that was so for a while; times are monotonic."""

    name: str
    begun: float
    ended: float


@dataclass
class Story:
    """What was done and seen."""

    began: float = field(default_factory=time.monotonic)
    faults: list[Span] = field(default_factory=list)
    deaths: list[Span] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """When our own loop had been late, so that liveness blamed nobody; monotonic."""
    failures: list[str] = field(default_factory=list)
    """What is wrong beside the answers."""


async def tell(world: World, seconds: float, deaths: int, random: Random, journal: Journal) -> Story:
    """Let it all happen for so long."""
    story = Story()
    pod = world.sidecar.port
    questions = {
        "livez": Question(pod, "livez", 0.1),
        "readyz": Question(pod, "readyz", 0.1),
        "app": Question(world.app.port, "health", 0.05),
        "control": Question(world.control.port, "", 0.1),
    }
    await _settled(world, story, "at the start")
    pid, rss_mb = world.sidecar.pid, world.sidecar.rss_mb
    with Prober(world.folder / "answers", questions) as prober:
        async with asyncio.TaskGroup() as group:
            ends = time.monotonic() + seconds
            lanes = [group.create_task(_lane(world, story, Random(random.random()), journal)) for _ in range(LANES)]
            watching = [
                group.create_task(_progress(prober, story, world, journal)),
                group.create_task(_watch_lag(world, story)),
            ]
            await _deaths(world, story, ends, deaths, random, journal)
            for task in (*lanes, *watching):
                task.cancel()
        journal.say("faults and deaths are over")
        await _settled(world, story, f"{RECOVERY_SECONDS:.0f} s after the last fault")
        story.answers += prober.answers()
    story.answers += prober.answers()
    journal.say(f"RSS was {rss_mb:.0f} MB before, is {world.sidecar.rss_mb:.0f} MB")
    if world.sidecar.pid != pid or world.sidecar.process is None or world.sidecar.process.poll() is not None:
        story.failures.append("the sidecar ended")
    if "Traceback" in world.sidecar.log:
        story.failures.append("a traceback is in the log")
    return story


async def _settled(world: World, story: Story, when: str) -> None:
    """Wait until nothing of a fault is left."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while not await world.is_well():
        if time.monotonic() > deadline:
            metrics = await world.metrics()
            story.failures.append(f"{when} not all is well: {', '.join(ailments(metrics))}")
            (world.folder / "metrics").write_text("".join(f"{name} {value}\n" for name, value in metrics.items()))
            return
        await asyncio.sleep(0.5)


async def _lane(world: World, story: Story, random: Random, journal: Journal) -> None:
    """One fault after the other, none that another lane has now."""
    while True:
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
        name = random.choice([name for name in RANDOM_ATTACKS if name not in world.under_way])
        with _noted(story.faults, name, journal):
            world.under_way.add(name)
            try:
                async with RANDOM_ATTACKS[name](world, random):
                    await asyncio.sleep(random.uniform(*FAULT_SECONDS))
            finally:
                world.under_way.discard(name)


async def _deaths(world: World, story: Story, ends: float, deaths: int, random: Random, journal: Journal) -> None:
    """The app dies and comes back at random moments, evenly over the time."""
    ways = ["killed"] * deaths + ["frozen"] * max(1, round(deaths * FREEZES))
    random.shuffle(ways)
    slot_seconds = (ends - time.monotonic()) / len(ways)
    for number, way in enumerate(ways):
        slot_ends = ends - slot_seconds * (len(ways) - number - 1)
        down_seconds = random.uniform(DOWN_SECONDS[0], min(DOWN_SECONDS[1], slot_seconds / 2))
        await asyncio.sleep(random.uniform(0.2, 0.8) * (slot_seconds - down_seconds))
        with _noted(story.deaths, way, journal, "app: "):
            await _die(world, way, down_seconds)
        await asyncio.sleep(max(0.0, slot_ends - time.monotonic()))


async def _die(world: World, way: str, seconds: float) -> None:
    if way == "frozen":
        async with frozen(lambda world: world.app.pid)(world, Random()):
            await asyncio.sleep(seconds)
    else:
        await asyncio.to_thread(world.app.stop, signal.SIGKILL)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(world.app.start)


@contextmanager
def _noted(spans: list[Span], name: str, journal: Journal, who: str = "") -> Iterator[None]:
    begun = time.monotonic()
    journal.say(f"{who}{name}")
    try:
        yield
    finally:
        spans.append(Span(name, begun, time.monotonic()))
        journal.say(f"{who}{name}: over after {time.monotonic() - begun:.1f} s")


async def _progress(prober: Prober, story: Story, world: World, journal: Journal) -> None:
    """Say each minute how it goes."""
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        new = [*prober.answers()]
        story.answers += new
        journal.say(f"{_counted(new)}; RSS {world.sidecar.rss_mb:.0f} MB")


async def _watch_lag(world: World, story: Story) -> None:
    """Note when our own loop was late, or too busy to say so."""
    while True:
        with suppress(OSError, TimeoutError):
            if (await world.metrics())["sidecar_event_loop_lag_seconds"] < TRUSTED_LAG_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
                continue
        story.late.append(time.monotonic())
        await asyncio.sleep(LOOK_SECONDS)


def _counted(answers: Sequence[Answer]) -> str:
    livez = [each for each in answers if each.name == "livez"]
    bad = sum(each.status != 200 for each in livez)
    slowest = max((each.milliseconds for each in livez), default=0.0)
    return f"{len(livez)} times /livez, {bad} not 200, slowest {slowest:.0f} ms"
