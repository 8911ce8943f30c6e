"""Tiers of supervised components."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from sidecar.model.errors import InternalError
from sidecar.runtime.backoff import Backoff
from sidecar.runtime.clock import Clock
from sidecar.runtime.component import Component, Settling
from sidecar.runtime.events import ComponentFailed, ComponentFailedToStop, Events


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
        task = self._group.create_task(self._supervise(component, ready), name=f"supervisor of {component.name}")
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
            error = await self._run(component, on_ready)
            if not ready.done():
                ready.set_exception(error)
                return
            retry_seconds = backoff.next_seconds()
            self._events.emit(ComponentFailed(component.name, reason_of(error), retry_seconds))
            try:
                await self._clock.sleep(retry_seconds)
            except asyncio.CancelledError:
                await self._settle(component)
                raise

    async def _run(self, component: Component, on_ready: Callable[[], None]) -> BaseException:
        """Return why `component` ended without being told to; told to, it ends with this task.

        It runs in a task of its own. On Python 3.11 a group of tasks whose child fails leaves the task that it is in
        looking cancelled, and any code may cancel what it waits for: only this task knows a real stop from those.
        """
        attempt = self._group.create_task(_outcome(partial(component.run, on_ready)), name=component.name)
        try:
            await asyncio.wait([attempt])
        except asyncio.CancelledError:
            attempt.cancel()
            await asyncio.wait([attempt])
            if not attempt.cancelled() and (error := attempt.result()) is not None:
                self._events.emit(ComponentFailedToStop(component.name, reason_of(error)))
                await self._settle(component)
            raise
        if attempt.cancelled():
            return InternalError("it was cancelled, and nobody told it to stop")
        return attempt.result() or InternalError("it ended, and nobody told it to stop")

    async def _settle(self, component: Component) -> None:
        if isinstance(component, Settling):
            error = await _outcome(component.settle)
            if error is not None:
                self._events.emit(ComponentFailedToStop(component.name, reason_of(error)))


def reason_of(error: BaseException) -> str:
    """Return type and text of `error`, or of each error in a group; of one that has no text, its type."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(reason_of(inner) for inner in error.exceptions)
    kind = type(error).__name__
    try:
        return f"{kind}: {error}"
    except Exception:  # whoever tells of a bug must not end by it
        return kind


async def _outcome(work: Callable[[], Awaitable[None]]) -> BaseException | None:
    """Return what `work` raised, but for what tells this task or the process to end.

    A panic in a library of Rust is no Exception to Python.
    """
    try:
        await work()
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return error
    return None


@asynccontextmanager
async def open_tier(clock: Clock, events: Events) -> AsyncIterator[Tier]:
    """Open a tier; leaving it stops its components, last started first, and waits for them.

    An error of the block comes out as it is, not in a group: that of a component which could not start is one.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        tier = Tier(group, clock, events)
        try:
            yield tier
        except Exception as error:
            failure = error
        finally:
            await tier.stop_all()
    if failure is not None:
        raise failure
