"""Notices that files changed."""

import asyncio
from collections.abc import Callable

from sidecar.runtime.clock import Clock

WATCH_SECONDS = 5.0


class FileWatch:
    """Calls `changed` when what `signature` returns is not what it was; looks every few seconds.

    Polling sees what inotify does not: a ConfigMap's symlink swap, network file systems, a file that is replaced.
    `signature` may block; it runs in a thread.
    """

    name = "watch"

    def __init__(self, signature: Callable[[], object], changed: Callable[[], None], clock: Clock) -> None:
        self._signature = signature
        self._changed = changed
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Watch until cancelled."""
        seen = await asyncio.to_thread(self._signature)
        ready()
        while True:
            await self._clock.sleep(WATCH_SECONDS)
            now = await asyncio.to_thread(self._signature)
            if now != seen:
                seen = now
                self._changed()
