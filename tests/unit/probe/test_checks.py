"""The http and tcp checks against real listeners, and the runner around them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from socket import socket

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from sidecar.model.address import Address
from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import HttpCheckConfig, TcpCheckConfig
from sidecar.probe.http import HttpCheck
from sidecar.probe.runner import CheckRunner
from sidecar.probe.tcp import TcpCheck
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents

AiohttpServer = Callable[[web.Application], "asyncio.Future[TestServer]"]


async def http_health(server: TestServer, path: str) -> Health:
    return await HttpCheck(HttpCheckConfig(url=str(server.make_url(path)))).check()


@pytest.fixture
async def app(aiohttp_server: AiohttpServer) -> TestServer:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), headers={"Location": "/status/500"})

    application = web.Application()
    application.router.add_get("/status/{status}", answer)
    return await aiohttp_server(application)


@pytest.mark.parametrize("status", [200, 204, 302, 399])
async def test_200_to_399_passes_and_redirects_are_not_followed(app: TestServer, status: int) -> None:
    assert (await http_health(app, f"/status/{status}")).status is Status.PASS


@pytest.mark.parametrize("status", [404, 429, 500, 503])
async def test_other_answers_fail_as_answers_and_not_as_silence(app: TestServer, status: int) -> None:
    health = await http_health(app, f"/status/{status}")
    assert (health.status, health.cause) == (Status.FAIL, Cause.ANSWERED_BADLY)
    assert str(status) in health.reason


def unused_port() -> int:
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def test_a_refused_connection_is_told_as_such_by_both_kinds() -> None:
    port = unused_port()
    checks = [
        HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check(),
        TcpCheck(TcpCheckConfig(kind="tcp", address=Address("127.0.0.1", port))).check(),
    ]
    assert [(await check).cause for check in checks] == [Cause.REFUSED, Cause.REFUSED]


async def test_a_listening_port_passes_the_tcp_check(app: TestServer) -> None:
    assert app.port is not None
    config = TcpCheckConfig(kind="tcp", address=Address("127.0.0.1", app.port))
    assert (await TcpCheck(config).check()).status is Status.PASS


class Scripted:
    """A check that goes through a list of outcomes."""

    def __init__(self, *outcomes: Health | Exception | None) -> None:
        self.outcomes = list(outcomes)

    async def check(self) -> Health:
        outcome = self.outcomes.pop(0)
        if outcome is None:
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome is not None
        return outcome


class Observed(list[tuple[str, Health]]):
    """An observer that remembers, and tells when it has seen enough."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def observe(self, check: str, health: Health) -> None:
        self.append((check, health))
        self._grown.set()

    async def reached(self, count: int) -> None:
        while len(self) < count:
            self._grown.clear()
            await self._grown.wait()


@asynccontextmanager
async def running(
    check: Scripted, observer: Observed, clock: FakeClock, registry: CollectorRegistry
) -> AsyncIterator[None]:
    config = HttpCheckConfig(url="http://127.0.0.1:1/", timeout_seconds=0.01)
    runner = CheckRunner(config, check, observer, clock, Meter(registry), RecordedEvents(clock))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(runner.run(lambda: None))
        yield
        task.cancel()


async def test_the_runner_turns_silence_and_bugs_into_failures_and_goes_on() -> None:
    clock, observed, registry = FakeClock(), Observed(), CollectorRegistry()
    async with running(Scripted(Health(Status.PASS), None, ValueError("x"), None), observed, clock, registry):
        for runs in range(1, 4):
            await observed.reached(runs)
            await clock.advance(2.0)
    assert [health.cause for _, health in observed[:3]] == [Cause.NONE, Cause.TIMEOUT, Cause.ERROR]
    assert registry.get_sample_value("sidecar_probe_success", {"check": "app"}) == 0
