"""All that is kept, and the file that is open at the moment, if one is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from sidecar.model.health import Health
from sidecar.runtime.state.error import StateError
from sidecar.runtime.state.open_file import OpenFile


class Kept(Protocol):
    """Something that has its place in the file."""

    async def attach(self, file: OpenFile) -> None:
        """Take from `file` what is not known yet, and use it from now on; raises StateError."""
        ...

    async def flush(self, file: OpenFile) -> None:
        """Write what changed; raises StateError, and then the next file that is attached gets it."""
        ...

    def detach(self) -> None:
        """Go on in memory: the file is away."""
        ...


class State:
    """Lives as long as the process, while the file behind it comes and goes.

    `health` is None where no file is configured.
    """

    def __init__(self) -> None:
        self.health: Health | None = None
        self._kept: list[Kept] = []
        self._file: OpenFile | None = None
        self._turn = asyncio.Lock()

    def keep(self, kept: Kept) -> None:
        """Give `kept` its place for as long as the process lives; call it before there is a file."""
        self._kept.append(kept)

    @asynccontextmanager
    async def keeping(self, kept: Kept) -> AsyncIterator[None]:
        """Give `kept` its place for the block, whether a file is there at once, later or never; flush it in the end."""
        self._kept.append(kept)
        try:
            with suppress(StateError):  # whoever has the file open sees that too
                await self._attach(kept)
            yield
        finally:
            try:
                with suppress(StateError):
                    await self._flush(kept)
            finally:
                self._kept.remove(kept)
                kept.detach()

    async def use(self, file: OpenFile) -> None:
        """Attach everything to `file`; raises StateError."""
        self._file = file
        for kept in tuple(self._kept):
            await self._attach(kept)

    async def flush(self) -> None:
        """Write what changed; raises StateError."""
        for kept in tuple(self._kept):
            await self._flush(kept)

    def let_go(self) -> None:
        """Go on in memory."""
        self._file = None
        for kept in self._kept:
            kept.detach()

    async def _attach(self, kept: Kept) -> None:
        async with self._turn:
            if self._file is not None:
                await kept.attach(self._file)

    async def _flush(self, kept: Kept) -> None:
        async with self._turn:
            if self._file is not None:
                await kept.flush(self._file)
