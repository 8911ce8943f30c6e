"""The running process: its start once everything is imported, its reloads, and draining."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from sidecar.app.build import build_parts, build_stores, import_drivers
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files, load_good_files
from sidecar.app.foundation import Foundation
from sidecar.app.reload import Plan, ReloadGauges, RunningParts
from sidecar.app.source import ConfigSource
from sidecar.app.started import RuleCounts, started
from sidecar.model.address import Address
from sidecar.model.errors import OperatorError
from sidecar.model.yaml.config import Located
from sidecar.rules.group import AlertingRule
from sidecar.runtime.events import Event
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.threads.purposes import RELOAD

READ_SECONDS = 30.0
"""How long a reload waits for files: one may be on a mount that hangs."""


@dataclass(frozen=True, slots=True)
class Reloaded(Event):
    """A new configuration runs."""

    message: ClassVar[str] = "Configuration reloaded: {stopped} parts stopped, {started} started."
    stopped: int
    started: int


TOLD_LINES = 20
"""Of what is wrong with a configuration, a mistake a line; `sidecar check` tells all."""


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
class Draining(Event):
    """The process was told to end."""

    message: ClassVar[str] = "Draining for {seconds:g} s, then stopping."
    seconds: float


class Process:
    """What runs, and how it becomes something else; `reloaded` is called when a new configuration is in force."""

    def __init__(
        self,
        config: SidecarConfig,
        source: ConfigSource,
        base: Foundation,
        running: RunningParts,
        reloaded: Callable[[SidecarConfig], None],
    ) -> None:
        self.base = base
        self.source = source
        self.stores = build_stores(config, base)
        self._running = running
        self._reloaded = reloaded
        self._reloads = ReloadGauges(base.meter)
        self._one_at_a_time = asyncio.Lock()
        self._hung = 0

    @property
    def config(self) -> SidecarConfig:
        """The configuration in force."""
        return self.stores.config

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Where each listener listens, by the name of its part: the real one, where port 0 was configured."""
        return self._running.addresses

    async def start(self, located: Located[SidecarConfig]) -> None:
        """Run what `located` says; raise OperatorError when that cannot be."""
        for ignored in self.source.ignored_variables():
            self.base.events.emit(ignored)
        await self._apply(located, await RELOAD.run(partial(_load, self.source, located)))
        self.base.board.start()
        rules = self.stores.rules
        alerts = [isinstance(record.rule, AlertingRule) for record in rules.rules]
        counts = RuleCounts(len(alerts), sum(alerts), len(rules.groups), len(self.stores.receivers))
        source = str(self.source.path or "environment")
        self.base.events.emit(started(located.config, self.addresses, counts, source))

    async def reload_on_request(self) -> None:
        """Reload whenever that is requested."""
        while True:
            await self.base.control.reload_requested()
            await self.reload()

    async def reload(self) -> None:
        """Read the configuration again and run it; on any error the old one goes on and the error is told.

        A file that was emptied is such an error. Reloads that are asked for at the same time come one after the other.
        """
        async with self._one_at_a_time:
            await self._reload()

    async def _reload(self) -> None:
        try:
            located, files = await self._read_again()
            plan = await self._apply(located, files)
        except Exception as error:  # noqa: BLE001 - the edge: no new configuration may end what runs
            self.source.texts.end(runs=False)
            self._reloads.failed()
            reason = str(error) if isinstance(error, OperatorError) else reason_of(error)
            self.base.events.emit(ReloadFailed(_first_lines(reason)))
        else:
            self._reloaded(located.config)
            self.base.events.emit(Reloaded(len(plan.stop), len(plan.start)))

    async def _read_again(self) -> tuple[Located[SidecarConfig], Files]:
        """Return the configuration and what its files hold now; raise OperatorError when one of them hangs."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await RELOAD.run(partial(_read, self.source), source=(self, self._hung))
        except TimeoutError as error:
            self._hung += 1  # so that the next reload does not wait for it
            raise OperatorError(f"`{self.source.texts.at}` cannot be read within {READ_SECONDS:g} s") from error

    async def _apply(self, located: Located[SidecarConfig], files: Files) -> Plan:
        config = located.config
        parts = build_parts(config, files, self.source, self.stores, self.base)
        self.base.board.expect(config.probes)
        try:
            plan = await self._running.become(parts)
        except BaseException:
            self._adopt(self.config)
            raise
        self._adopt(config)
        self.source.texts.end(runs=True)
        for warning in files.warnings:
            self.base.events.emit(FileDoubtful(str(warning)))
        self._reloads.succeeded(self.base.clock.now())
        return plan

    def _adopt(self, config: SidecarConfig) -> None:
        """Have `config` in force where no part is: it came into force, or the one that was to follow cannot run."""
        self.base.board.configure(config.probes)
        self.stores.adopt(config)

    async def drain(self) -> None:
        """Answer 503 on /readyz and go on working for the configured delay, so that balancers look elsewhere first."""
        seconds = self.config.shutdown.drain_delay_seconds
        self.base.control.drain()
        self.base.events.emit(Draining(seconds))
        await self.base.clock.sleep(seconds)


def _read(source: ConfigSource) -> tuple[Located[SidecarConfig], Files]:
    located = source.read()
    return located, _load(source, located)


def _load(source: ConfigSource, located: Located[SidecarConfig]) -> Files:
    import_drivers(located.config)
    return load_good_files(source, located)


def _first_lines(reason: str) -> str:
    """Return `reason` without what is too much to be logged."""
    lines = reason.split("\n")
    more = len(lines) - TOLD_LINES
    return "\n".join([*lines[:TOLD_LINES], f"and {more} lines more"]) if more > 0 else reason
