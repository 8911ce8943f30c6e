"""Addresses of hosts, and a server of names that does not answer."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.runtime.threads.names import NamesLoop, addresses_of
from sidecar.runtime.threads.purposes import NAMES
from tests.fakes import until


class Resolver:
    """Stands in for the system's; names that end in `.silent` are not answered before the test is over."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._over = threading.Event()
        self._real = socket.getaddrinfo
        self.end = self._over.set

    def __call__(self, host: str, port: int, *hints: int) -> list[Any]:
        self.asked.append((host, port))
        if host.endswith(".silent"):
            self._over.wait(30)
        if not host.endswith(".here"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._real("127.0.0.1", port, *hints)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    stands_in = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", stands_in)
    yield stands_in
    stands_in.end()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"])
async def test_an_address_is_what_the_system_says_of_it_without_asking(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {kind: socket.getaddrinfo(host, 80, type=kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)}
    monkeypatch.setattr(socket, "getaddrinfo", None)
    for kind, infos in expected.items():
        assert await addresses_of(host, 80, type=kind) == infos


async def test_what_only_the_system_can_tell_is_asked_of_it(resolver: Resolver) -> None:
    for host, port, hints in (
        ("127.0.0.1", "http", {}),
        ("fe80::1%lo", 80, {}),
        ("127.0.0.1", 80, {"family": socket.AF_INET6}),
        ("127.1", 80, {}),
    ):
        with pytest.raises(socket.gaierror):
            await addresses_of(host, port, **hints)
    assert len(resolver.asked) == 4


async def test_a_name_is_looked_up_once_for_all_ports_that_wait_for_it(resolver: Resolver) -> None:
    found = await asyncio.gather(*(addresses_of("db.here", port) for port in range(1, 9)))
    assert [infos[0][4] for infos in found] == [("127.0.0.1", port) for port in range(1, 9)]
    assert resolver.asked == [("db.here", 0)]


async def test_a_name_that_is_not_answered_costs_one_thread_and_holds_up_no_other(resolver: Resolver) -> None:
    before = NAMES.given_up
    for _ in range(5):
        for number in range(8):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.002):
                    await addresses_of(f"db{number}.silent", 5432)
    assert NAMES.given_up == before + 8
    assert (await addresses_of("db.here", 80))[0][4] == ("127.0.0.1", 80)
    assert len(resolver.asked) == 9
    resolver.end()
    await until(lambda: NAMES.given_up == before)


def test_libraries_look_names_up_here_and_the_default_executor_is_never_made(resolver: Resolver) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="fine")

    async def ask() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            async with session.get(f"http://app.here:{server.port}/") as response:
                assert await response.text() == "fine"
            _, writer = await asyncio.open_connection("other.here", server.port)
            writer.transport.abort()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asyncio.open_connection("app.silent", server.port)
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined] # nobody else tells

    with asyncio.Runner(loop_factory=NamesLoop) as runner:
        runner.run(ask())
    assert {host for host, _ in resolver.asked} == {"app.here", "other.here", "app.silent"}


def test_the_name_of_an_address_is_looked_up_here_too() -> None:
    async def ask() -> tuple[str, str]:
        flags = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        return await asyncio.get_running_loop().getnameinfo(("127.0.0.1", 80), flags)

    with asyncio.Runner(loop_factory=NamesLoop) as runner:
        assert runner.run(ask()) == ("127.0.0.1", "80")
