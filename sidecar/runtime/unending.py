"""Work in a group of tasks that must not end as long as the group does."""

import asyncio
from collections.abc import Awaitable, Callable

from sidecar.model.errors import InternalError
from sidecar.runtime.ending import tells_to_end


async def unending(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, which goes on until this task is cancelled; raise InternalError if it ends in another way.

    A group takes a child that was cancelled by what it waited for, such as a closed channel of gRPC, for one that is
    done: the others would go on, and its work would never be done again.
    """
    try:
        await work()
    except asyncio.CancelledError as error:
        if tells_to_end(error):
            raise
        raise InternalError("what it waited for was cancelled") from None
    raise InternalError("it ended, and nobody told it to stop")
