"""Carries out a plan on running tiers: all of it, or nothing."""

from collections.abc import Callable, Mapping, Sequence

from sidecar.app.parts import Part, Plan, TierName, plan
from sidecar.runtime.lifecycle import Tier


class RunningParts:
    """The parts that run, in their tiers; `parts` is true at every moment, whatever failed."""

    def __init__(self, tiers: Mapping[TierName, Tier], report: Callable[[Part, Exception], None]) -> None:
        self.parts: tuple[Part, ...] = ()
        self._tiers = tiers
        self._report = report

    async def become(self, parts: Sequence[Part]) -> Plan:
        """Run `parts` instead of what runs now, touching only what differs.

        When one cannot start, the old ones are put back and its error is raised: what ran before runs again, and what
        did not is forgotten. An old part that cannot be put back is reported, and tried again at the next call.
        Cancelled, it leaves things as they are, for then everything is about to stop.
        """
        before = self.parts
        todo = plan(before, parts)
        tried: list[Part] = []
        try:
            for part in todo.stop:
                await self._stop(part)
            for part in todo.start:
                tried.append(part)
                await self._start(part)
        except Exception:
            await self._put_back(before)
            for part in plan(tried, before).forget:
                part.forget()
            raise
        for part in todo.forget:
            part.forget()
        return todo

    async def _put_back(self, before: Sequence[Part]) -> None:
        undo = plan(self.parts, before)
        for part in undo.stop:
            await self._stop(part)
        for part in undo.start:
            try:
                await self._start(part)
            except Exception as error:  # noqa: BLE001 - the edge: one part that stays away must not keep the others
                self._report(part, error)

    async def _start(self, part: Part) -> None:
        await self._tiers[part.tier].start(part.make())
        self.parts = (*self.parts, part)

    async def _stop(self, part: Part) -> None:
        self.parts = tuple(running for running in self.parts if running is not part)
        await self._tiers[part.tier].stop(part.name)
