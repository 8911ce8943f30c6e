"""Runs the process until a signal ends it."""

import asyncio
import signal

from sidecar.app.config import SidecarConfig
from sidecar.app.process import Process, open_process
from sidecar.app.source import ConfigSource
from sidecar.model.config import Located


async def run_until_signalled(source: ConfigSource, located: Located[SidecarConfig]) -> None:
    """Run until SIGTERM or SIGINT, reload on SIGHUP. A second SIGTERM or SIGINT ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    hangup = asyncio.Event()

    def on_stop(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_stop, number)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    async with open_process(source, located) as process, asyncio.TaskGroup() as group:
        reloading = group.create_task(_reload_on(hangup, process))
        await stop.wait()
        reloading.cancel()
        await process.drain(located.config.shutdown.drain_delay_seconds)


async def _reload_on(hangup: asyncio.Event, process: Process) -> None:
    while True:
        await hangup.wait()
        hangup.clear()
        await process.reload()
