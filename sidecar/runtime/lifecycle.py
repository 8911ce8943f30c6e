"""Tiers of supervised components."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sidecar.model.errors import InternalError
from sidecar.runtime.backoff import Backoff
from sidecar.runtime.clock import Clock
from sidecar.runtime.component import Component
from sidecar.runtime.events import ComponentFailed, Events


class Tier:
    """Components that start and stop together; made by `open_tier`.

    One that fails after it was ready is reported and run again with backoff; it never takes others or the process
    with it.
    """

    def __init__(self, group: asyncio.TaskGroup, clock: Clock, events: Events) -> None:
        self._group = group
        self._clock = clock
        self._events = events
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components that run here, in order of their start."""
        return tuple(self._tasks)

    async def start(self, component: Component) -> None:
        """Run `component` and return once it is ready; raise what it raised if it failed before that."""
        if component.name in self._tasks:
            raise InternalError(f"component `{component.name}` runs already")
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = self._group.create_task(self._supervise(component, ready), name=component.name)
        self._tasks[component.name] = task
        try:
            await ready
        except BaseException:
            await self.stop(component.name)
            raise

    async def stop(self, name: str) -> None:
        """Cancel the component and return when it has let go of everything."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def stop_all(self) -> None:
        """Stop the components, last started first."""
        for name in reversed(self.names):
            await self.stop(name)

    async def _supervise(self, component: Component, ready: asyncio.Future[None]) -> None:
        backoff = Backoff()

        def on_ready() -> None:
            backoff.reset()
            if not ready.done():
                ready.set_result(None)

        while True:
            error: Exception | None = None
            try:
                await component.run(on_ready)
            except Exception as failure:
                error = failure
            if not ready.done():
                ready.set_exception(error or InternalError(f"component `{component.name}` ended before it was ready"))
                return
            if error is None:
                return
            retry_seconds = backoff.next_seconds()
            self._events.emit(ComponentFailed(component.name, f"{type(error).__name__}: {error}", retry_seconds))
            await self._clock.sleep(retry_seconds)


@asynccontextmanager
async def open_tier(clock: Clock, events: Events) -> AsyncIterator[Tier]:
    """Open a tier; leaving it stops its components, last started first, and waits for them."""
    async with asyncio.TaskGroup() as group:
        tier = Tier(group, clock, events)
        try:
            yield tier
        finally:
            await tier.stop_all()
