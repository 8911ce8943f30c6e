"""Alertmanagers that are looked up: a queue for each address, as addresses come and go."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.place import Found, place_at
from sidecar.deliver.alertmanager.sender import AlertmanagerSender
from sidecar.deliver.outage import Outage
from sidecar.deliver.sender import SenderContext, SenderRunner
from sidecar.deliver.sender_meters import SenderMeters
from sidecar.deliver.status import SenderStatus
from sidecar.model.alert import Alert
from sidecar.model.errors import TargetError
from sidecar.runtime.events import Event
from sidecar.runtime.lifecycle import Tier, open_tier

Find = Callable[[], Awaitable[frozenset[Found]]]
"""Returns where there are Alertmanagers; raises TargetError if nobody says."""


@dataclass(frozen=True, slots=True)
class AlertmanagersNotFound(Event):
    """Looking Alertmanagers up failed, or there is none."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Alertmanagers `{alertmanager}` are not found: {reason}; {known} known before go on."
    identity: ClassVar[tuple[str, ...]] = ("alertmanager",)
    alertmanager: str
    reason: str
    known: int


@dataclass(frozen=True, slots=True)
class AlertmanagersFound(Event):
    """They are found again."""

    message: ClassVar[str] = "Alertmanagers `{alertmanager}` are found again, after {seconds:.0f} s."
    alertmanager: str
    seconds: float


class DiscoveredAlertmanagers:
    """A Component and a Sink of alerts: each address that `find` returns has a sender and a queue of its own.

    Where nobody answers the addresses stay. An answer is taken as it is, also the one that there are none: an address
    that is no longer one of ours is somebody else's.
    """

    def __init__(self, config: AlertmanagerConfig, context: SenderContext, find: Find) -> None:
        assert config.dns is not None
        kind = AlertmanagerSender.kind
        self.name = f"{kind.name}/{config.name}"
        self._config = config
        self._refresh_seconds = config.dns.refresh_seconds
        self._context = context
        self._find = find
        self._runners: dict[Found, SenderRunner[Alert]] = {}
        self._meters = SenderMeters(context.meter, kind.meters, kind.items, kind.name, config.name)
        self._lookups = context.meter.counter(
            "sidecar_alertmanager_lookups_total", "Look-ups of Alertmanagers by DNS.", [kind.name]
        ).labels(config.name)
        self._failures = context.meter.counter(
            "sidecar_alertmanager_lookup_failures_total", "Look-ups of Alertmanagers without an answer.", [kind.name]
        ).labels(config.name)
        self._outage = Outage(
            context.clock,
            context.events,
            lambda reason: AlertmanagersNotFound(config.name, reason, len(self._runners)),
            lambda over: AlertmanagersFound(config.name, over.seconds),
        )

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._runners)

    @property
    def statuses(self) -> Sequence[SenderStatus]:
        """How each does, or why there is none."""
        found = [status for runner in self._runners.values() for status in runner.statuses]
        return found or [SenderStatus(self._config.name, 0, None, self._outage.reason or "not looked up yet")]

    def accept(self, batch: Sequence[Alert], /) -> int:
        """Queue `batch` for each; while there is none it is dropped and counted."""
        for runner in self._runners.values():
            runner.accept(batch)
        if not self._runners:
            self._meters.dropped(len(batch))
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Look them up again and again until cancelled; then each drains its queue, all at once."""
        async with open_tier(self._context.clock, self._context.events) as tier:
            ready()
            try:
                while True:
                    await self._look_up(tier)
                    await self._context.clock.sleep(self._refresh_seconds)
            finally:
                await self._close(tier, set(self._runners))

    async def _look_up(self, tier: Tier) -> None:
        self._lookups.inc()
        try:
            found = await self._find()
        except TargetError as error:
            self._failures.inc()
            self._outage.failed(self._context.shown(str(error)))
            return
        await self._close(tier, self._runners.keys() - found)
        for place in sorted(found - self._runners.keys()):
            await self._open(tier, place)
        if found:
            self._outage.worked()
        else:
            self._outage.failed("there is no address")

    async def _open(self, tier: Tier, found: Found) -> None:
        runner = SenderRunner(AlertmanagerSender(self._config, place_at(self._config, found)), self._context)
        await tier.start(runner)
        self._runners[found] = runner

    async def _close(self, tier: Tier, gone: set[Found]) -> None:
        runners = [self._runners.pop(found) for found in gone]
        async with asyncio.TaskGroup() as group:
            for runner in runners:
                group.create_task(tier.stop(runner.name))
        for found in gone:
            self._context.meter.forget(AlertmanagerSender.kind.name, place_at(self._config, found).receiver)
