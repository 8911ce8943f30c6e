"""What several servers that belong together have in common, and how tests wait for them."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import asyncpg

READY_SECONDS = 20.0
POLL_SECONDS = 0.02


class Topology:
    """Servers that come up together, ready for use, and go with the `with` block; the methods block.

    A subclass starts them in `_start` and puts each on `_stack`, the last to come is the first to go.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def _start(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """End all servers and delete their data; harmless when repeated."""
        self._stack.close()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def wait_until(condition: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(POLL_SECONDS)


def ask_postgres(dsn: str, sql: str) -> Any:
    """Return the first value that `sql` gives on a connection of its own; call it where no loop runs."""

    async def ask() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())
