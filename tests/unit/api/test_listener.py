"""A listener: which addresses it takes, and what it says when it cannot."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from sidecar.api.listener import Listener, ListenerConfig
from sidecar.model.address import Address, parse_address
from sidecar.model.errors import OperatorError


async def hello(_: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def listening(address: Address) -> AsyncIterator[Listener]:
    listener = Listener(ListenerConfig("pod", address), hello)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.run(ready.set))
        await asyncio.wait([task, group.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        yield listener
        task.cancel()


@pytest.mark.parametrize("configured", ["[::]:0", ":0"])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_every_interface_means_ipv4_and_ipv6(configured: str, host: str) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    async with listening(parse_address(configured)) as listener, aiohttp.ClientSession() as session:
        async with session.get(f"http://{host}:{listener.address.port}/") as response:
            assert await response.text() == "hello"


async def test_a_port_that_is_taken_is_told_with_the_address() -> None:
    async with listening(Address("127.0.0.1", 0)) as first:
        second = Listener(ListenerConfig("local", first.address), hello)
        with pytest.raises(OperatorError, match=f"^local: cannot listen on `{first.address}`: the port is taken$"):
            await second.run(lambda: None)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":9464", "", 9464),
        ("9464", "", 9464),
        (9464, "", 9464),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:2", "::1", 2),
        ("localhost:3", "localhost", 3),
    ],
)
def test_addresses_that_are_understood(text: object, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", "host", "::1:80", "h:99999", "h:-1", "h:x", None, "[::1]", "h:\u00b2", "h:\uff11", "9" * 5000]
)
def test_addresses_that_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"address|brackets"):
        parse_address(text)
