"""The connections of a listener: nobody can hold them for nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from sidecar.model.address import Address
from sidecar.runtime.http_server import BoundedAppRunner, BoundedServer, Bounds, Handler, serve
from sidecar.runtime.listen import listening_socket

Server = Callable[[Bounds], AbstractAsyncContextManager[int]]


async def hello(_: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def listening(handler: Handler = hello, bounds: Bounds | None = None) -> AsyncIterator[int]:
    """Yield the port of a server that answers by `handler`."""
    async with serving(web.ServerRunner(BoundedServer(handler, bounds or Bounds()), shutdown_timeout=1)) as port:
        yield port


@asynccontextmanager
async def serving(runner: web.BaseRunner) -> AsyncIterator[int]:
    """Yield the port that `runner` listens on."""
    listens = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(serve(runner, Address("127.0.0.1", 0), "test", listens.set_result))
        yield (await listens).port
        task.cancel()


@asynccontextmanager
async def application(bounds: Bounds) -> AsyncIterator[int]:
    """Yield the port of an application that is served within `bounds`."""
    app = web.Application()
    app.router.add_get("/", hello)
    async with serving(BoundedAppRunner(app, bounds, shutdown_timeout=1)) as port:
        yield port


SERVERS: list[Server] = [lambda bounds: listening(bounds=bounds), application]


async def half_a_request(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
    await writer.drain()
    return reader, writer


async def closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("server", SERVERS)
async def test_a_request_that_never_ends_is_given_up(server: Server) -> None:
    async with server(Bounds(request_seconds=0.05)) as port:
        reader, writer = await half_a_request(port)
        assert await closed(reader)
        writer.close()


@pytest.mark.parametrize("server", SERVERS)
async def test_when_there_are_too_many_the_one_that_waited_longest_makes_room(server: Server) -> None:
    async with server(Bounds(max_connections=3)) as port:
        held = [await half_a_request(port) for _ in range(3)]
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == "hello"
        assert await closed(held[0][0])
        for _, writer in held:
            writer.close()


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with listening() as port, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                assert await response.text() == "hello"


async def test_a_body_that_never_comes_does_not_hold_the_end() -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        assert b"hello" in await reader.read()
        writer.close()


async def test_an_answer_that_takes_long_is_given_up_when_the_client_goes() -> None:
    came, given_up = asyncio.Event(), asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.Response:
        came.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            given_up.set()
        return web.Response()

    async with listening(hang) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await came.wait()
        writer.close()
        await given_up.wait()


@pytest.mark.parametrize("rounds", range(1, 5))
async def test_a_listener_that_is_stopped_while_it_opens_lets_go_of_its_port(rounds: int) -> None:
    address = Address("127.0.0.1", unused_port())
    runner = web.ServerRunner(BoundedServer(hello, Bounds()), shutdown_timeout=1)
    opening = asyncio.ensure_future(serve(runner, address, "test", lambda _: None))
    for _ in range(rounds):
        await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    listening_socket(address, "another").close()
