"""Runs one check on its interval: deadline, timing, metrics and error text, once for every kind of check."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import random
from typing import ClassVar, Protocol

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.check import Check
from sidecar.probe.checks.config import CheckConfig
from sidecar.runtime.clock import Clock, next_tick
from sidecar.runtime.ending import tells_to_end
from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter


class Observer(Protocol):
    """Whoever keeps the results."""

    def observe(self, check: str, health: Health) -> None:
        """Take the result of one run."""
        ...


@dataclass(frozen=True, slots=True)
class CheckChanged(Event):
    """A check passes or fails now, and did not before."""

    message: ClassVar[str] = "Check `{check}`: {status}{reason}."
    identity: ClassVar[tuple[str, ...]] = ("check", "status")
    check: str
    status: str
    reason: str


class CheckRunner:
    """The component of one check; runs never overlap and one starts at a random part of the interval."""

    def __init__(
        self, config: CheckConfig, check: Check, observer: Observer, clock: Clock, meter: Meter, events: Events
    ) -> None:
        self.name = f"probe/{config.name}"
        self._config = config
        self._check = check
        self._observer = observer
        self._clock = clock
        self._success = meter.gauge("sidecar_probe_success", "1 when the app's check passed.", ["check"])
        self._duration = meter.gauge("sidecar_probe_duration_seconds", "Time the app's check took.", ["check"])
        self._phase_seconds = random() * config.interval_seconds  # noqa: S311 - spreads load, guards nothing
        self._events = events
        self._last: Status | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Check at once, then on the interval, until cancelled."""
        ready()
        while True:
            health = await self._run_once()
            self._success.labels(self._config.name).set(health.status in {Status.PASS, Status.WARN})
            self._duration.labels(self._config.name).set(health.latency_seconds)
            self._observer.observe(self._config.name, health)
            self._tell(health)
            now = self._clock.now()
            await self._clock.sleep(next_tick(now, self._config.interval_seconds, self._phase_seconds) - now)

    async def _run_once(self) -> Health:
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                health = await self._check.check()
        except TimeoutError:
            health = Health(Status.FAIL, Cause.TIMEOUT, f"no answer within {self._config.timeout_seconds:g} s")
        except BaseException as error:
            if tells_to_end(error):
                raise
            health = Health(Status.FAIL, Cause.ERROR, type(error).__name__)
        return replace(health, latency_seconds=self._clock.monotonic() - started)

    def _tell(self, health: Health) -> None:
        if health.status is not self._last:
            reason = f" ({health.reason})" if health.reason else ""
            self._events.emit(CheckChanged(self._config.name, health.status.value, reason))
        self._last = health.status
