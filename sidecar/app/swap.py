"""Carries out a plan on running tiers: all of it, or nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from sidecar.app.parts import Part, Plan, TierName, plan
from sidecar.runtime.lifecycle import Tier


class RunningParts:
    """The parts that run, in their tiers."""

    def __init__(self, tiers: Mapping[TierName, Tier]) -> None:
        self._tiers = tiers
        self.parts: tuple[Part, ...] = ()

    async def become(self, parts: Sequence[Part]) -> Plan:
        """Run `parts` instead of what runs now, touching only what differs.

        When one cannot start, the old ones are put back and the error is raised: what ran before runs again.
        """
        todo = plan(self.parts, parts)
        undo: list[Callable[[], Awaitable[None]]] = []
        try:
            for part in todo.stop:
                await self._stop(part)
                undo.append(partial(self._start, part))
            for part in todo.start:
                await self._start(part)
                undo.append(partial(self._stop, part))
        except BaseException:
            for step in reversed(undo):
                await step()
            raise
        for part in todo.forget:
            part.forget()
        self.parts = tuple(parts)
        return todo

    async def _start(self, part: Part) -> None:
        await self._tiers[part.tier].start(part.make())

    async def _stop(self, part: Part) -> None:
        await self._tiers[part.tier].stop(part.name)
