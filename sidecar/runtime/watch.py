"""Notices that files changed, once they stand still."""

import asyncio
from collections.abc import Callable

from sidecar.runtime.clock import Clock
from sidecar.runtime.threads.purposes import RELOAD

WATCH_SECONDS = 5.0
"""Between two looks while nothing changes."""

LOOK_SECONDS = 30.0
"""How long a look may take."""
SETTLE_SECONDS = 2.0
"""Between two looks while something does. Two that are equal make a change: a file that is being written is in no state
to be read."""


class FileWatch:
    """Calls `changed` when what `signature` returns is not what `read` says was read, at two looks in a row.

    Polling sees what inotify does not: a ConfigMap's symlink swap, network file systems, a file that is replaced.
    `signature` may block; it runs in a thread.
    """

    name = "watch"

    def __init__(
        self,
        signature: Callable[[], object],
        read: Callable[[], object],
        changed: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._signature = signature
        self._read = read
        self._changed = changed
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Watch until cancelled."""
        ready()
        told = before = None
        pause = WATCH_SECONDS
        while True:
            await self._clock.sleep(pause)
            now = await self._look()
            if now == self._read():
                told = None
            elif now == before and now != told:  # told once: what could not be read stays different
                told = now
                self._changed()
            pause = WATCH_SECONDS if now in (before, self._read()) else SETTLE_SECONDS
            before = now

    async def _look(self) -> object:
        """Return what is there now; when that takes long, what was read, so that a mount that hangs is no change."""
        read = self._read()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                # one thread a configuration: if that one hangs, the next one may not
                return await RELOAD.run(self._signature, source=(self, read))
        except TimeoutError:
            return read
