"""Work that must not end: told to stop, failed, cancelled by others, or simply over."""

import asyncio
from functools import partial

import pytest

from sidecar.model.errors import InternalError
from sidecar.runtime.unending import unending
from tests.fakes import settle


async def follow(future: asyncio.Future[None]) -> None:
    await future


async def test_work_that_is_told_to_stop_stops() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(unending(partial(follow, future)))
        await settle()
        task.cancel()
    assert task.cancelled()


async def test_work_that_others_cancel_fails() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    with pytest.raises(InternalError):
        await unending(partial(follow, future))


async def test_work_that_ends_fails() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    with pytest.raises(InternalError):
        await unending(partial(follow, future))


async def test_an_error_of_the_work_goes_on() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(OverflowError("too large"))
    with pytest.raises(OverflowError):
        await unending(partial(follow, future))


async def test_work_that_is_stopped_before_it_began_leaves_nothing_behind() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(unending(partial(follow, future)))
        task.cancel()
    assert task.cancelled()
