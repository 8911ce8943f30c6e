"""Runs the process until a signal ends it."""

import asyncio
import signal

from sidecar.app.config import SidecarConfig
from sidecar.app.process import open_process
from sidecar.app.source import ConfigSource
from sidecar.model.config import Located


async def run_until_signalled(source: ConfigSource, located: Located[SidecarConfig]) -> None:
    """Run until SIGTERM or SIGINT, reload on SIGHUP. A second SIGTERM or SIGINT ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_stop(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_stop, number)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    async with open_process(source, located) as process:
        loop.add_signal_handler(signal.SIGHUP, process.request_reload)
        await stop.wait()
        await process.drain(located.config.shutdown.drain_delay_seconds)
