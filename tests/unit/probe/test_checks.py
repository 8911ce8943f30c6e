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
from sidecar.probe.checks.http.check import HttpCheck
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.checks.tcp.check import TcpCheck
from sidecar.probe.checks.tcp.config import TcpCheckConfig
from sidecar.probe.connection import health_of_error
from sidecar.probe.runner import CheckRunner
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, Panic, RecordedEvents

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


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Status.PASS), (204, Status.PASS), (300, Status.WARN), (399, Status.WARN)]
)
async def test_200_to_399_is_good(app: TestServer, status: int, outcome: Status) -> None:
    assert (await http_health(app, f"/status/{status}")).status is outcome


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(app: TestServer, status: int) -> None:
    health = await http_health(app, f"/status/{status}")
    assert health == Health(Status.FAIL, Cause.ANSWERED_BADLY, "answered HTTP 500")


@pytest.mark.parametrize(
    "place", [b"http://elsewhere.invalid/", b"//elsewhere.invalid", b"mailto:somebody", b"ftp://x/"]
)
async def test_a_redirect_to_another_host_is_good_with_a_warning(place: bytes) -> None:
    async with answering(b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n") as port:
        health = await HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check()
    assert health == Health(Status.WARN, reason="redirected to another host, which counts as good")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (b"/again", "redirected 10 times"),
        (b"ftp://127.0.0.1/", "redirected to what is not http or https, but `ftp`"),
        (b"http://127.0.0.1:70000/", "redirected to what is no URL"),
        (b"http://[::1/", "redirected to what is no URL"),
    ],
)
async def test_a_redirect_that_leads_nowhere_fails_as_an_answer(place: bytes, reason: str) -> None:
    async with answering(b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n") as port:
        health = await HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check()
    assert health == Health(Status.FAIL, Cause.ANSWERED_BADLY, reason)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + CHUNKED,
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 900_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 100_000 + b"Content-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nSet Cookie: a\x00b\r\nContent-Length : 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n  Content-Length: 7\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1   200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 \xe9t\xe9\nContent-Length: 2\n\nok",
        b"HTTP/1.0 200 OK\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"ok" * 50_000,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
    ],
)
async def test_an_answer_that_kubelet_takes_is_taken(answer: bytes) -> None:
    async with answering(answer) as port:
        health = await HttpCheck(HttpCheckConfig(url=f"http://127.0.0.1:{port}/")).check()
    assert health == Health(Status.PASS)


async def test_a_body_that_hangs_is_not_over() -> None:
    asked = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok")
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server, asyncio.TaskGroup() as group:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        check = group.create_task(HttpCheck(HttpCheckConfig(url=url)).check())
        await asked.wait()
        done, _ = await asyncio.wait([check], timeout=0.05)
        assert not done
        check.cancel()


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
async def answering(data: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve `data` to whoever sends a line; None closes at once. Yields the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(data or b"")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "unreadable answer: no status line"),
        (b"HTTP/one\r\n\r\n", "unreadable answer: illegal status line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_200_000, "unreadable answer: more than 1048576 bytes of headers"),
        (b"HTTP/1.1 200 OK\r\nno header\r\n\r\n", "unreadable answer: a header without a colon"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "unreadable answer: conflicting"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", "unreadable answer: bad Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "the answer is cut off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", "the answer is cut off"),
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


async def test_a_certificate_that_nobody_signed_is_taken_as_kubelet_takes_it(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=app".split()
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = await asyncio.create_subprocess_exec("openssl", *subject, *files, stderr=asyncio.subprocess.DEVNULL)
    assert await made.wait() == 0
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", tls=context) as port:
        health = await HttpCheck(HttpCheckConfig(url=f"https://127.0.0.1:{port}/")).check()
    assert health == Health(Status.PASS)


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
    async def two_addresses(_host: str, port: int) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    async def cause_at(port: int) -> Cause:
        config = TcpCheckConfig(kind="tcp", address=Address("localhost", port))
        return (await TcpCheck(config).check()).cause

    monkeypatch.setattr("sidecar.probe.checks.tcp.check.addresses_of", two_addresses)
    assert app.port is not None
    assert [await cause_at(port) for port in (app.port, free_port())] == [Cause.NONE, Cause.REFUSED]


async def test_a_listening_port_passes_the_tcp_check(app: TestServer) -> None:
    assert app.port is not None
    config = TcpCheckConfig(kind="tcp", address=Address("127.0.0.1", app.port))
    assert (await TcpCheck(config).check()).status is Status.PASS


class Scripted:
    """A check that goes through a list of outcomes."""

    def __init__(self, *outcomes: Health | BaseException | None) -> None:
        self.outcomes = list(outcomes)

    async def check(self) -> Health:
        outcome = self.outcomes.pop(0)
        if outcome is None:
            await asyncio.Event().wait()
        if isinstance(outcome, BaseException):
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


@pytest.mark.parametrize("error", [Panic("a bug in Rust"), asyncio.CancelledError()], ids=["panic", "cancelled"])
async def test_whatever_breaks_a_check_is_a_failed_check_and_the_next_one_comes_in_time(error: BaseException) -> None:
    clock, observed, registry = FakeClock(), Observed(), CollectorRegistry()
    async with running(Scripted(error, Health(Status.PASS)), observed, clock, registry):
        await observed.reached(1)
        await clock.advance(2.4)
        await observed.reached(2)
    assert [health.status for _, health in observed[:2]] == [Status.FAIL, Status.PASS]


async def test_the_runner_turns_silence_and_bugs_into_failures_and_goes_on() -> None:
    clock, observed, registry = FakeClock(), Observed(), CollectorRegistry()
    async with running(Scripted(Health(Status.PASS), None, ValueError("x"), None), observed, clock, registry):
        for runs in range(1, 4):
            await observed.reached(runs)
            # A tick that is nearly there is left out, so the next one is up to a tenth over an interval away.
            await clock.advance(2.4)
    assert [health.cause for _, health in observed[:3]] == [Cause.NONE, Cause.TIMEOUT, Cause.ERROR]
    assert registry.get_sample_value("sidecar_probe_success", {"check": "app"}) == 0
