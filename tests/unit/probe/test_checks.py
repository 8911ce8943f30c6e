"""The http and tcp checks against real listeners, and the runner around them."""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from sidecar.demo.ports import free_port
from sidecar.model.address import Address
from sidecar.model.health import Cause, Health, Status
from sidecar.probe.config import HttpCheckConfig, TcpCheckConfig
from sidecar.probe.connection import health_of_error
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


async def test_a_refused_connection_is_told_as_such_by_both_kinds() -> None:
    port = free_port()
    checks = [
        HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check(),
        TcpCheck(TcpCheckConfig(kind="tcp", address=Address("127.0.0.1", port))).check(),
    ]
    assert [(await check).cause for check in checks] == [Cause.REFUSED, Cause.REFUSED]


@asynccontextmanager
async def answering(data: bytes | None) -> AsyncIterator[int]:
    """Serve `data` to whoever sends a line; None closes at once. Yields the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(data or b"")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "unreadable answer: Bad status line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", "unreadable answer: Got more than 8190 bytes"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 40_000 + b"\r\n", "unreadable answer: Too many headers"),
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nX:", "closed the connection without an answer"),
    ],
)
async def test_an_answer_that_is_none_is_a_sign_of_life(answer: bytes, reason: str) -> None:
    async with answering(answer) as port:
        health = await HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check()
    assert (health.status, health.cause) == (Status.FAIL, Cause.ANSWERED_BADLY)
    assert health.reason.startswith(reason)


async def test_tls_that_fails_is_a_sign_of_life() -> None:
    async with answering(b"plain text\r\n\r\n") as port:
        health = await HttpCheck(HttpCheckConfig(url=f"https://127.0.0.1:{port}/")).check()
    assert health == Health(Status.FAIL, Cause.ANSWERED_BADLY, "TLS failed: wrong version number")


async def test_a_certificate_that_nobody_signed_is_a_sign_of_life(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=app".split()
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = await asyncio.create_subprocess_exec("openssl", *subject, *files, stderr=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        health = await HttpCheck(HttpCheckConfig(url=url)).check()
    assert health == Health(Status.FAIL, Cause.ANSWERED_BADLY, "TLS failed: self-signed certificate")


async def test_a_name_that_does_not_resolve_says_nothing_of_the_app() -> None:
    checks = [
        HttpCheck(HttpCheckConfig(url="http://app.invalid/")).check(),
        TcpCheck(TcpCheckConfig(kind="tcp", address=Address("app.invalid", 80))).check(),
    ]
    unresolved = Health(Status.FAIL, Cause.ERROR, "host name does not resolve")
    assert [await check for check in checks] == [unresolved, unresolved]


@pytest.mark.parametrize(
    ("error", "cause", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"), Cause.REFUSED, "connection refused"),
        (OSError(errno.EHOSTUNREACH, "x"), Cause.REFUSED, "no route to host"),
        (OSError(errno.ENETUNREACH, "x"), Cause.REFUSED, "network is unreachable"),
        (ConnectionResetError(errno.ECONNRESET, "x"), Cause.REFUSED, "connection reset by peer"),
        (OSError(errno.ETIMEDOUT, "x"), Cause.TIMEOUT, "connection timed out"),
        (TimeoutError(), Cause.TIMEOUT, "connection timed out"),
        (OSError(errno.EADDRNOTAVAIL, "x"), Cause.ERROR, "cannot assign requested address"),
        (OSError(errno.EMFILE, "x"), Cause.ERROR, "too many open files"),
        (OSError("x"), Cause.ERROR, "OSError"),
        (ssl.SSLError(1, "[SSL: NO_SUCH] no such"), Cause.ANSWERED_BADLY, "TLS failed: sslerror"),
    ],
)
def test_an_error_of_a_connection_is_told_by_its_number(error: OSError, cause: Cause, reason: str) -> None:
    assert health_of_error(error) == Health(Status.FAIL, cause, reason)


async def test_a_host_with_two_addresses_is_there_if_one_is_and_gone_if_none_is(
    app: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two_addresses(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    async def cause_at(port: int) -> Cause:
        config = TcpCheckConfig(kind="tcp", address=Address("localhost", port))
        with monkeypatch.context() as patched:
            patched.setattr(asyncio.get_running_loop(), "getaddrinfo", two_addresses)
            return (await TcpCheck(config).check()).cause

    assert app.port is not None
    assert [await cause_at(port) for port in (app.port, free_port())] == [Cause.NONE, Cause.REFUSED]


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
            # A tick that is nearly there is left out, so the next one is up to a tenth over an interval away.
            await clock.advance(2.4)
    assert [health.cause for _, health in observed[:3]] == [Cause.NONE, Cause.TIMEOUT, Cause.ERROR]
    assert registry.get_sample_value("sidecar_probe_success", {"check": "app"}) == 0
