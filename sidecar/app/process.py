"""The running process: starts in two phases, reloads, and drains."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation
from sidecar.app.listeners import pod_part, watchdog_part
from sidecar.app.parts import Plan, TierName
from sidecar.app.reloads import ReloadGauges
from sidecar.app.source import ConfigSource
from sidecar.app.started import RuleCounts, started
from sidecar.app.swap import RunningParts
from sidecar.model.errors import OperatorError
from sidecar.model.yaml.config import Located
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.events import Event
from sidecar.runtime.lifecycle import open_tier, reason_of

if TYPE_CHECKING:
    from sidecar.app.assembly import Assembly


@dataclass(frozen=True, slots=True)
class Reloaded(Event):
    """A new configuration runs."""

    message: ClassVar[str] = "Configuration reloaded: {stopped} parts stopped, {started} started."
    stopped: int
    started: int


@dataclass(frozen=True, slots=True)
class ReloadFailed(Event):
    """The new configuration cannot run; the old one goes on."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "Reload failed, the old configuration goes on: {error}"
    error: str


@dataclass(frozen=True, slots=True)
class FileDoubtful(Event):
    """Something in a file is good as it stands and hardly what was meant."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "{warning}."
    identity: ClassVar[tuple[str, ...]] = ("warning",)
    warning: str


@dataclass(frozen=True, slots=True)
class PartLost(Event):
    """A part of the old configuration could not be put back after a reload failed; the next reload tries again."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "`{part}` could not be put back: {error}."
    part: str
    error: str


@dataclass(frozen=True, slots=True)
class Draining(Event):
    """The process was told to end."""

    message: ClassVar[str] = "Draining for {seconds:g} s, then stopping."
    seconds: float


class Process:
    """What runs, and how it becomes something else; `reloaded` is called when a new configuration is in force."""

    def __init__(
        self,
        source: ConfigSource,
        base: Foundation,
        running: RunningParts,
        assembly: "Assembly",
        reloaded: Callable[[SidecarConfig], None],
    ) -> None:
        self.base = base
        self.source = source
        self.assembly = assembly
        self._running = running
        self._reloaded = reloaded
        self._reloads = ReloadGauges(base.meter)

    async def start(self, located: Located[SidecarConfig]) -> None:
        """Run what `located` says; raise OperatorError when that cannot be."""
        for ignored in self.source.ignored_variables():
            self.base.events.emit(ignored)
        await self._apply(located)
        self.base.board.start()
        rules = self.assembly.stores.rules
        counts = RuleCounts(sum(1 for _ in rules.rules), len(rules.groups))
        self.base.events.emit(started(located.config, counts, str(self.source.path or "environment")))

    async def reload_on_request(self) -> None:
        """Reload, one after the other, whenever that is requested."""
        while True:
            await self.base.control.reload_requested()
            await self.reload()

    async def reload(self) -> None:
        """Read the configuration again and run it; on any error the old one goes on and the error is told.

        A file that was emptied is such an error.
        """
        try:
            located = await asyncio.to_thread(self.source.read)
            plan = await self._apply(located)
        except Exception as error:  # noqa: BLE001 - the edge: no new configuration may end what runs
            self.source.texts.end(runs=False)
            self._reloads.failed()
            reason = str(error) if isinstance(error, OperatorError) else reason_of(error)
            self.base.events.emit(ReloadFailed(OwnSecrets().text(reason)))
        else:
            self._reloaded(located.config)
            self.base.events.emit(Reloaded(len(plan.stop), len(plan.start)))

    async def _apply(self, located: Located[SidecarConfig]) -> Plan:
        files = await asyncio.to_thread(self.assembly.load_files, self.source, located)
        parts = self.assembly.parts(located.config, files, self.source)
        board = self.base.board
        board.expect(located.config.probes)
        try:
            plan = await self._running.become(parts)
        except BaseException:
            board.configure(board.config)
            raise
        board.configure(located.config.probes)
        self.source.texts.end(runs=True)
        for warning in files.warnings:
            self.base.events.emit(FileDoubtful(str(warning)))
        self.assembly.adopt(located.config)
        self._reloads.succeeded(self.base.clock.now())
        return plan

    async def drain(self) -> None:
        """Answer 503 on /readyz and go on working for the configured delay, so that balancers look elsewhere first."""
        seconds = self.assembly.config.shutdown.drain_delay_seconds
        self.base.control.drain()
        self.base.events.emit(Draining(seconds))
        await self.base.clock.sleep(seconds)


@asynccontextmanager
async def open_process(
    source: ConfigSource,
    located: Located[SidecarConfig],
    base: Foundation,
    reloaded: Callable[[SidecarConfig], None] = lambda _config: None,
) -> AsyncIterator[Process]:
    """Start the process that `located` describes on `base`; leaving stops it, upstream first, the probes last.

    The pod listener answers before anything heavy is imported. Nothing of the interpreter is changed, so it runs in a
    test too. `reloaded` hears of each configuration after the first that is in force. Raises OperatorError when
    something cannot start.
    """
    async with AsyncExitStack() as stack:
        tiers = {name: await stack.enter_async_context(open_tier(base.clock, base.events)) for name in TierName}
        running = RunningParts(tiers, lambda part, error: base.events.emit(PartLost(part.name, reason_of(error))))
        await running.become((watchdog_part(base), pod_part(located.config.pod, base)))
        heavy = await asyncio.to_thread(import_module, "sidecar.app.assembly")
        process = Process(source, base, running, heavy.Assembly(located.config, base), reloaded)
        await process.start(located)
        async with asyncio.TaskGroup() as group:
            reloading = group.create_task(process.reload_on_request())
            yield process
            reloading.cancel()
