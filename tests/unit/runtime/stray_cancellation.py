"""A program of its own, for each version of Python there is: components that fail in the ways of `main`, and a stop."""

import asyncio
import logging
import sys
from collections.abc import Callable
from types import ModuleType

# The log's settings need pydantic, which is compiled for the Python of the project alone.
sys.modules["sidecar.runtime.config"] = config = ModuleType("sidecar.runtime.config")
config.__dict__["LogConfig"] = object

from prometheus_client import CollectorRegistry  # noqa: E402
from typing_extensions import override  # noqa: E402

from sidecar.runtime.clock import SystemClock  # noqa: E402
from sidecar.runtime.events import Events  # noqa: E402
from sidecar.runtime.lifecycle import open_tier  # noqa: E402
from sidecar.runtime.meter import Meter  # noqa: E402

RUNS = 4


class Hurried(SystemClock):
    """A clock on which a backoff is short."""

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


class Failing:
    """Fails in another way at each run, and then works until it is told to stop."""

    def __init__(self) -> None:
        self.name = "failing"
        self.runs = 0
        self.works = asyncio.Event()
        self.was_stopped = False

    async def run(self, ready: Callable[[], None]) -> None:
        ready()
        self.runs += 1
        if self.runs == 1:
            async with asyncio.TaskGroup() as group:  # the body ends, then a child fails
                group.create_task(asyncio.sleep(0.01))
                group.create_task(self._fail())
        if self.runs == 2:
            cancelled = asyncio.get_running_loop().create_future()
            cancelled.cancel()
            await cancelled
        if self.runs == 3:
            return
        try:
            async with asyncio.timeout(0.01):  # a deadline is a deadline, whatever happened before
                await asyncio.Event().wait()
        except TimeoutError:
            self.works.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.was_stopped = True

    async def _fail(self) -> None:
        raise OverflowError("cannot convert float infinity to integer")


async def main() -> None:
    clock, registry = Hurried(), CollectorRegistry()
    events = Events(logging.getLogger("quiet"), Meter(registry), clock)
    component = Failing()
    async with asyncio.timeout(10), open_tier(clock, events) as tier:
        await tier.start(component)
        await component.works.wait()
    assert component.runs == RUNS
    assert component.was_stopped
    labels = {"event": "ComponentFailed", "level": "error"}
    assert registry.get_sample_value("sidecar_events_total", labels) == RUNS - 1


if __name__ == "__main__":
    logging.getLogger("quiet").disabled = True
    asyncio.run(main())
