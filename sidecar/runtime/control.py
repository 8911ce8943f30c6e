"""What the process can be asked to do while it runs, by whoever may: signals, and what else comes to ask."""

import asyncio
from collections.abc import Callable


class Control:
    """Takes requests at any time, from the first moment on; they are carried out by others.

    `drain` and `undrain` are called at once, and must not wait.
    """

    def __init__(self, drain: Callable[[], None], undrain: Callable[[], None]) -> None:
        self.drain = drain
        """Take the pod out of its service; everything goes on working."""
        self.undrain = undrain
        """Put it back."""
        self._reload = asyncio.Event()

    def reload(self) -> None:
        """Have the configuration read again soon; requests that come before that are one."""
        self._reload.set()

    async def reload_requested(self) -> None:
        """Return when a reload was requested, and take the request as carried out."""
        await self._reload.wait()
        self._reload.clear()
