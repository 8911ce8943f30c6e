"""Runs the process until a signal ends it."""

import asyncio
import signal

from sidecar.app.config import SidecarConfig
from sidecar.app.process import Process, open_process
from sidecar.app.source import ConfigSource
from sidecar.model.config import Located

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def run_until_signalled(source: ConfigSource, located: Located[SidecarConfig]) -> None:
    """Run until SIGTERM or SIGINT, also while still starting; reload on SIGHUP.

    A second SIGTERM or SIGINT ends the process at once, and so does stopping that takes longer than configured.
    """
    signals = _Signals(located.config.shutdown.timeout_seconds)
    try:
        async with open_process(source, located) as process:
            signals.hand_over_to(process)
            await signals.stop.wait()
            await process.drain()
            end_within(process.assembly.config.shutdown.timeout_seconds)
    except asyncio.CancelledError:
        if not signals.stop.is_set():
            raise


def end_within(seconds: float) -> None:
    """End the process by an alarm if it still runs then: what hangs in a thread or the kernel cannot be cancelled."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class _Signals:
    """What the signals ask for, before and after there is a process to ask."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self.stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._starting = asyncio.current_task()
        self._reload_asked = False
        for number in STOP_SIGNALS:
            self._loop.add_signal_handler(number, self._on_stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_early_hangup)

    def hand_over_to(self, process: Process) -> None:
        """Let SIGHUP reload `process`, at once if it came before; a stop signal cancels nothing any more."""
        self._starting = None
        self._loop.add_signal_handler(signal.SIGHUP, process.request_reload)
        if self._reload_asked:
            process.request_reload()

    def _on_stop(self) -> None:
        self.stop.set()
        for number in STOP_SIGNALS:
            self._loop.remove_signal_handler(number)
        if self._starting is not None:
            self._starting.cancel()
            end_within(self._timeout_seconds)

    def _on_early_hangup(self) -> None:
        self._reload_asked = True
