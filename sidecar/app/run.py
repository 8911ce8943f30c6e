"""Opens the process, its probes before anything else, and runs it until a signal ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from sidecar.app.config import ShutdownConfig, SidecarConfig
from sidecar.app.foundation import Foundation, first_parts, lay_foundation
from sidecar.app.reload import RunningParts, TierName
from sidecar.app.source import ConfigSource
from sidecar.model.yaml.config import Located
from sidecar.runtime import garbage
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.guardian import GUARDIAN, Guardian, Orders, end_within
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.log import configure_logging
from sidecar.runtime.threads.purposes import RELOAD

if TYPE_CHECKING:
    from sidecar.app.process import Process


@asynccontextmanager
async def open_process(
    source: ConfigSource,
    located: Located[SidecarConfig],
    base: Foundation,
    reloaded: Callable[[SidecarConfig], None] = lambda _config: None,
) -> "AsyncIterator[Process]":
    """Start the process that `located` describes on `base`; leaving stops it, upstream first, the probes last.

    The pod listener answers before anything heavy is imported. Nothing of the interpreter is changed, so it runs in a
    test too. `reloaded` hears of each configuration after the first that is in force. Raises OperatorError when
    something cannot start.
    """
    async with AsyncExitStack() as stack:
        tiers = {name: await stack.enter_async_context(open_tier(base.clock, base.events)) for name in TierName}
        running = RunningParts(tiers, base.events)
        await running.become(first_parts(located.config.pod, base))
        heavy = await RELOAD.run(partial(import_module, "sidecar.app.process"))
        process = heavy.Process(located.config, source, base, running, reloaded)
        await process.start(located)
        async with asyncio.TaskGroup() as group:
            reloading = group.create_task(process.reload_on_request())
            yield process
            reloading.cancel()


async def run_until_signalled(
    source: ConfigSource, located: Located[SidecarConfig], guardian: Guardian = GUARDIAN
) -> None:
    """Run until `guardian` hears SIGTERM or SIGINT, also while still starting; reload on SIGHUP.

    A second SIGTERM or SIGINT ends the process at once, and so does stopping that takes longer than configured.
    """
    configure_logging(located.config.log)
    base = lay_foundation(located.config, SystemClock())
    stop = _Stop(located.config.shutdown)
    guardian.obey(Orders(asyncio.get_running_loop(), stop.ask, base.control.reload, stop.seconds))
    try:
        async with open_process(source, located, base, _reloaded) as process:
            garbage.settle()
            stop.started(process)
            await stop.asked.wait()
            await process.drain()
            end_within(process.config.shutdown.timeout_seconds)
    except asyncio.CancelledError:
        if not stop.asked.is_set():
            raise


def _reloaded(config: SidecarConfig) -> None:
    configure_logging(config.log)
    garbage.sweep()


class _Stop:
    """A stop that may be asked for before and after everything is up."""

    def __init__(self, config: ShutdownConfig) -> None:
        self.asked = asyncio.Event()
        self._config = config
        self._process: Process | None = None
        self._starting = asyncio.current_task()

    def started(self, process: "Process") -> None:
        """Let a stop cancel nothing any more, and be as the configuration of `process` has it."""
        self._starting, self._process = None, process

    def seconds(self) -> float:
        """Return how long all of it may take."""
        if self._process is None:
            return self._config.timeout_seconds
        config = self._process.config.shutdown
        return config.drain_delay_seconds + config.timeout_seconds

    def ask(self) -> None:
        """Begin to stop."""
        self.asked.set()
        if self._starting is not None:
            self._starting.cancel()
