"""What threads are for. They are the process's, as its memory is: one set of pools serves everybody in it."""

import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import ClassVar

from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.threads.pool import GivenUp, Pool

FILES = Pool("files", 4, patience_seconds=0.5)
"""Small files of others: secrets, certificates. A mount may hang."""
NAMES = Pool("names", 4, patience_seconds=0.5)
"""Addresses of hosts. A server of names may not answer."""
PARSING = Pool("parsing", 2)
"""What targets answered."""
BODIES = Pool("bodies", 2)
"""Masking, converting and compressing what is forwarded."""
QUERIES = Pool("queries", 64)
"""Long queries; `promql.max_concurrency`, which is at most this, says how many."""
RELOAD = Pool("reload", 2, patience_seconds=5.0)
"""The configuration and the files that it names, and the import of what it needs."""
TELEMETRY = Pool("telemetry", 2, patience_seconds=5.0)
"""Sending our own metrics, with a client that blocks."""

WAIT_FOR_OTHERS = (FILES, NAMES)
"""What takes long in another pool has its own ways to be told, as a reload that fails has."""
POOLS = (FILES, NAMES, PARSING, BODIES, QUERIES, RELOAD, TELEMETRY)


def expose_threads(meter: Meter) -> None:
    """Show how many threads of each pool work, and how many are given up."""
    meter.read_by("sidecar_threads_busy", "Threads that work, by what for.", "pool", _busy)
    meter.read_by(
        "sidecar_threads_given_up",
        "Threads whose work takes too long, as on a mount that hangs, or that nobody waits for any more, by what for.",
        "pool",
        _given_up,
    )
    meter.read_by(
        "sidecar_thread_give_ups_total",
        "How often a thread was given up, by what for.",
        "pool",
        lambda: {pool.name: pool.given_up_total for pool in POOLS},
    )


@dataclass(frozen=True, slots=True)
class ThreadGivenUp(Event):
    """Work in a thread takes too long, as with a mount or a server of names that hangs: others have its place now."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "`{what}` does not answer: a thread for {pool} is left to itself, {given_up} are now."
    identity: ClassVar[tuple[str, ...]] = ("pool",)
    pool: str
    what: str
    given_up: int


@dataclass(frozen=True, slots=True)
class ThreadBack(Event):
    """A thread that was given up is done."""

    message: ClassVar[str] = "`{what}` answered {seconds:.1f} s after a thread for {pool} had been left to itself."
    identity: ClassVar[tuple[str, ...]] = ("pool",)
    pool: str
    what: str
    seconds: float


def tell_of_threads(events: Events) -> None:
    """Emit events when threads that wait for others are given up, and when they come back."""
    for pool in WAIT_FOR_OTHERS:
        pool.told = partial(_tell, events, pool)


def _tell(events: Events, pool: Pool, given_up: GivenUp) -> None:
    what = _shown(given_up.source) or pool.name
    if given_up.seconds is None:
        events.emit(ThreadGivenUp(pool.name, what, pool.given_up))
    else:
        events.emit(ThreadBack(pool.name, what, given_up.seconds))


def _shown(source: Hashable) -> str:
    """Return the path or host that a source is of, empty if it is of neither."""
    parts = source if isinstance(source, tuple) else (source,)
    paths = [part for part in parts if isinstance(part, PurePath)]
    return str(next(iter([*paths, *(part for part in parts if isinstance(part, str))]), ""))


def _busy() -> Mapping[str, float]:
    return {pool.name: pool.busy for pool in POOLS}


def _given_up() -> Mapping[str, float]:
    return {pool.name: pool.given_up for pool in POOLS}
