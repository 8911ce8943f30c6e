"""Opens the process, its probes before anything else, and runs it until a signal ends it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation, first_parts, lay_foundation
from sidecar.app.reload import RunningParts, TierName
from sidecar.app.source import ConfigSource
from sidecar.model.yaml.config import Located
from sidecar.runtime import garbage
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.control import Control
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.log import configure_logging
from sidecar.runtime.threads.purposes import RELOAD

if TYPE_CHECKING:
    from sidecar.app.process import Process

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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


async def run_until_signalled(source: ConfigSource, located: Located[SidecarConfig]) -> None:
    """Run until SIGTERM or SIGINT, also while still starting; reload on SIGHUP.

    A second SIGTERM or SIGINT ends the process at once, and so does stopping that takes longer than configured.
    """
    configure_logging(located.config.log)
    base = lay_foundation(located.config, SystemClock())
    signals = _Signals(base.control, located.config.shutdown.timeout_seconds)
    try:
        async with open_process(source, located, base, _reloaded) as process:
            garbage.settle()
            signals.started()
            await signals.stop.wait()
            await process.drain()
            end_within(process.config.shutdown.timeout_seconds)
    except asyncio.CancelledError:
        if not signals.stop.is_set():
            raise


def _reloaded(config: SidecarConfig) -> None:
    configure_logging(config.log)
    garbage.sweep()


def end_within(seconds: float) -> None:
    """End the process by an alarm if it still runs then: what hangs in a thread or the kernel cannot be cancelled."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class _Signals:
    """What the signals ask for, before and after everything is up."""

    def __init__(self, control: Control, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self.stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._starting = asyncio.current_task()
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._on_stop)
        self._loop.add_signal_handler(signal.SIGHUP, control.reload)

    def started(self) -> None:
        """Let a stop signal cancel nothing any more."""
        self._starting = None

    def _on_stop(self) -> None:
        self.stop.set()
        for number in STOP_SIGNALS:
            self._loop.remove_signal_handler(number)
        if self._starting is not None:
            self._starting.cancel()
            end_within(self._timeout_seconds)
