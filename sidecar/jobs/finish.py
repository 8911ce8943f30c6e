"""At the end of the process, what spans that wait have to tell."""

import asyncio
from collections.abc import Callable

from sidecar.model.steps import Steps
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import in_turns


class Finish:
    """Component that works when it stops: receivers have ended then, and who keeps what is known has not.

    `finish` returns the steps of the work at a Unix time.
    """

    name = "finish"

    def __init__(self, finish: Callable[[float], Steps[None]], clock: Clock) -> None:
        self._finish = finish
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Wait until cancelled, and then do it all."""
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            await in_turns(self._finish(self._clock.now()), self._clock)
