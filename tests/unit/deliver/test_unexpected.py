"""Forwarding and sending alerts when the unexpected happens: nothing ends, and nothing is lost uncounted."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.sender import AlertmanagerFailing, AlertmanagerRecovered
from sidecar.deliver.backlog import Backlog
from sidecar.deliver.masking import Masking
from sidecar.deliver.outage import Outage
from sidecar.model.forward import JSON, ForwardBody
from sidecar.runtime.http import HttpClient
from sidecar.runtime.queue import BoundedQueue
from sidecar.runtime.state.spilled import Spilled
from tests.fakes import settle, until
from tests.unit.deliver.test_alertmanager import FakeAlertmanager, Sending, alerts, running
from tests.unit.deliver.upstreams import Answer, FakeUpstream, Forwarding, answering

Serve = Callable[[web.Application], Awaitable[TestServer]]
YEAR = "9" * 20
UNKNOWN = ("sidecar_otlp_forward_dropped_requests_total", {"signal": "other", "reason": "unknown"})
DISK: dict[str, Any] = {"queue_max_bytes": 1000, "spill_max_bytes": 10_000}


@pytest.fixture
def alertmanager() -> FakeAlertmanager:
    return FakeAlertmanager()


@pytest.fixture
async def alertmanager_url(alertmanager: FakeAlertmanager, aiohttp_server: Serve) -> str:
    app = web.Application()
    app.router.add_post("/api/v2/alerts", alertmanager.post)
    return str((await aiohttp_server(app)).make_url("/"))


def failing(monkeypatch: pytest.MonkeyPatch, owner: type[object], name: str, times: int = 1) -> None:
    """Have a method raise what nobody expects, the next `times`."""
    real = getattr(owner, name)
    left = times

    async def method(*args: Any) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise OverflowError("cannot convert float infinity to integer")
        return await real(*args)

    monkeypatch.setattr(owner, name, method)


@pytest.mark.parametrize(
    "answer",
    [
        answering(503, headers={"Retry-After": "9" * 310}),
        answering(503, headers={"Retry-After": f"Sun, 06 Nov {YEAR} 08:49:37 GMT"}),
        answering(503, headers={"Retry-After": "-1_0"}),
    ],
)
async def test_a_pause_that_cannot_be_read_is_the_usual_one(upstream: FakeUpstream, url: str, answer: Answer) -> None:
    upstream.answer = answer
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.until("retried_requests_total", 2)
        assert forwarding.count("upstream_up", None) == 0
        upstream.answer = None
        await forwarding.clock.advance(2.0)
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert forwarding.count("upstream_up", None) == 1
    assert forwarding.said() == ["ForwardFailing", "ForwardRecovered"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "9" * 5000, '"9"', "[]"])
async def test_a_number_of_refused_items_that_cannot_be_read_says_nothing(
    upstream: FakeUpstream, url: str, number: str
) -> None:
    upstream.answer = answering(200, f'{{"partialSuccess": {{"rejectedSpans": {number}}}}}'.encode(), JSON)
    async with Forwarding(endpoint=url, max_concurrent_requests=1).running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.until("sent_requests_total", 2)
    assert upstream.taken == [b"1", b"2"]


@pytest.mark.parametrize(
    "answer",
    [
        b"X: " + b"y" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"".join(b"X%d: y\r\n" % number for number in range(2000)) + b"Content-Length: 0\r\n\r\n",
        b"Content-Length: 100\r\n\r\ncut off",
        b"Transfer-Encoding: chunked\r\n\r\n10\r\ncut off",
    ],
    ids=["a long header", "many headers", "cut off", "cut off in a chunk"],
)
async def test_what_was_taken_is_not_sent_again_whatever_the_answer_says_besides(answer: bytes) -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Forwarding(endpoint=endpoint, compression="none").running() as forwarding:
            forwarding.accept("1")
            await until(lambda: bool(forwarding.count("sent_requests_total") or forwarding.events.seen))
            assert forwarding.said() == []
    assert requests == 1


async def test_a_request_that_ends_in_a_bug_is_one_in_vain(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, HttpClient, "send", times=2)
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.until("retried_requests_total", 1)
        assert forwarding.count("upstream_up", None) == 0
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert forwarding.count("retried_requests_total") == 2
    assert sorted(upstream.taken) == [b"1", b"2"]
    assert "OverflowError" in str(forwarding.events.seen[0])
    assert "ComponentFailed" not in forwarding.said()


async def test_a_request_that_somebody_else_cancels_is_one_in_vain(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = HttpClient.send
    cancelled = False

    async def send(*args: Any) -> Any:
        nonlocal cancelled
        if not cancelled:
            cancelled = True
            raise asyncio.CancelledError
        return await real(*args)

    monkeypatch.setattr(HttpClient, "send", send)
    async with Forwarding(endpoint=url, max_concurrent_requests=1).running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
    assert sorted(upstream.taken) == [b"1", b"2"]


@pytest.mark.parametrize("method", ["take", "store_late", "crowded"])
async def test_forwarding_that_fails_as_a_whole_says_so_and_goes_on_with_what_waits(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    upstream.answer = answering(503)
    async with Forwarding(endpoint=url, max_concurrent_requests=1).running() as forwarding:
        forwarding.accept("1", "2", "3")
        await forwarding.until("retried_requests_total", 1)
        upstream.answer = None
        failing(monkeypatch, Backlog, method)
        monkeypatch.setattr("sidecar.deliver.backlog.OF_MEMORY", 0)  # what is put next makes it crowded
        forwarding.accept("4")
        await forwarding.pass_until(lambda: "ComponentFailed" in forwarding.said())
        assert forwarding.count("upstream_up", None) == 0
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 4)
        assert forwarding.count("upstream_up", None) == 1
    assert set(upstream.taken) == {b"1", b"2", b"3", b"4"}


async def stopped_after_a_failure(forwarding: Forwarding, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have forwarding fail for good while bodies wait, and stop it before it runs again."""
    async with forwarding.running():
        forwarding.accept("1", "2")
        await forwarding.until("retried_requests_total", 2)
        failing(monkeypatch, Backlog, "store_late", times=1000)
        await forwarding.pass_until(lambda: "ComponentFailed" in forwarding.said())
        forwarding.accept("3")


async def test_what_waits_when_forwarding_is_stopped_after_a_failure_is_counted(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answer = answering(503)
    forwarding = Forwarding(endpoint=url)
    await stopped_after_a_failure(forwarding, monkeypatch)
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 3
    forwarding.accept("4")
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 4
    assert forwarding.count("queue_requests", None) == 0


async def test_what_waits_when_forwarding_is_stopped_after_a_failure_goes_to_disk(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upstream.answer = answering(503)
    forwarding = Forwarding(tmp_path / "state.db", endpoint=url, **DISK)
    await stopped_after_a_failure(forwarding, monkeypatch)
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 0
    monkeypatch.undo()
    upstream.requests.clear()
    upstream.answer = None
    async with Forwarding(tmp_path / "state.db", endpoint=url, **DISK).running() as again:
        await again.until("sent_requests_total", 3)
    assert sorted(upstream.taken) == [b"1", b"2", b"3"]


async def test_what_waits_is_counted_when_the_last_attempt_to_send_it_fails_as_a_whole(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answer = answering(503)
    forwarding = Forwarding(endpoint=url)
    async with forwarding.running():
        forwarding.accept("1", "2")
        await forwarding.until("retried_requests_total", 2)
        failing(monkeypatch, Backlog, "store")
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 2
    assert "ComponentFailedToStop" in forwarding.said()


async def test_a_body_that_breaks_what_comes_after_masking_is_counted_and_the_next_is_taken(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Masking.__init__

    def breaking(self: Masking, limits: Any, mask: Any, take: Callable[[ForwardBody], None], *rest: Any) -> None:
        def take_or_break(body: ForwardBody) -> None:
            if body.body == b"1":
                raise KeyError(body.signal)
            take(body)

        real(self, limits, mask, take_or_break, *rest)

    monkeypatch.setattr(Masking, "__init__", breaking)
    async with Forwarding(endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.until("sent_requests_total", 1)
        await forwarding.until("failed_requests_total", 1, reason="unreadable")
    assert upstream.taken == [b"2"]


async def test_what_a_newer_version_left_on_disk_is_counted_and_holds_nothing_up(
    upstream: FakeUpstream, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answer = answering(503)
    labels = iter(["profiles application/x-protobuf", "nonsense", ""])

    def unknown(entry: Any) -> Spilled:
        return Spilled(entry.id, next(labels), entry.body.body)

    monkeypatch.setattr("sidecar.deliver.backlog.spilled_of", unknown)
    path = tmp_path / "state.db"
    async with Forwarding(path, endpoint=url, **DISK).running() as forwarding:
        forwarding.accept("1", "2", "3")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 3)
    monkeypatch.undo()
    upstream.requests.clear()
    upstream.answer = None
    async with Forwarding(path, endpoint=url, **DISK).running() as again:
        await until(lambda: again.registry.get_sample_value(*UNKNOWN) == 3)
        again.accept("4")
        await again.until("sent_requests_total", 1)
    assert upstream.taken == [b"4"]
    assert again.said() == []


@pytest.mark.parametrize("redirect", [307, 308])
async def test_a_redirect_within_the_upstream_is_followed_once_with_body_and_credentials_and_counted(
    upstream: FakeUpstream, url: str, redirect: int
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/traces":
            return web.Response(status=redirect, headers={"Location": "/other?tenant=1"})
        return web.Response()

    upstream.answer = answer
    large = "x" * 600_000
    async with Forwarding(endpoint=url, headers={"Authorization": "canary"}).running() as forwarding:
        forwarding.accept(large)
        await forwarding.until("sent_requests_total", 1)
        assert forwarding.count("redirects_total", None) == 1
    assert upstream.requests == [("/v1/traces", large.encode()), ("/other", large.encode())]
    assert [headers["Authorization"] for headers in upstream.headers] == ["canary", "canary"]
    assert {headers["Content-Type"] for headers in upstream.headers} == {"application/x-protobuf"}


@pytest.mark.parametrize(
    ("status", "location", "told"),
    [
        (307, "http://u:p4ss@elsewhere.example:4318/v1/traces?key=p4ss", "`http://elsewhere.example:4318`"),
        (308, "/again", "only one is followed"),
        (302, "/login", "only 307 and 308 are followed"),
        (301, "https://elsewhere.example/", "`https://elsewhere.example`"),
        (307, "", "does not say where to"),
    ],
)
async def test_any_other_redirect_is_told_and_nothing_is_lost_by_it(
    upstream: FakeUpstream, url: str, status: int, location: str, told: str
) -> None:
    upstream.answer = answering(status, headers={"Location": location})
    async with Forwarding(endpoint=url, headers={"Authorization": "canary"}).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        (event,) = forwarding.events.seen
        assert told in str(event)
        assert not {"canary", "p4ss"} & set(str(event).replace("@", "/").split("/"))
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)
    assert forwarding.count("failed_requests_total", reason="rejected") == 0


async def test_alerts_follow_a_redirect_within_the_alertmanager(
    alertmanager: FakeAlertmanager, alertmanager_url: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response() if request.query else web.Response(status=308, headers={"Location": "?again=1"})

    alertmanager.answer = answer
    async with running(Sending(AlertmanagerConfig(url=alertmanager_url, bearer_token=SecretStr("canary")))) as sending:
        sending.sender.accept(alerts(2))
        await sending.until("sent_total", 2)
    assert alertmanager.batches == [["0", "1"], ["0", "1"]]
    assert [headers["Authorization"] for headers in alertmanager.headers] == ["Bearer canary"] * 2
    assert sending.count("dropped_total") == 0
    labels = {"alertmanager": sending.config.name}
    assert sending.registry.get_sample_value("sidecar_notifications_redirects_total", labels) == 1


async def test_a_batch_whose_request_ends_in_a_bug_is_counted_and_the_next_one_is_sent(
    alertmanager: FakeAlertmanager, alertmanager_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, HttpClient, "send")
    async with running(Sending(AlertmanagerConfig(url=alertmanager_url, batch_size=1))) as sending:
        sending.sender.accept(alerts(2))
        await sending.until("sent_total", 2)
    assert alertmanager.received == ["1"]
    assert (sending.count("errors_total"), sending.count("dropped_total")) == (1, 1)
    assert [type(event) for event in sending.events.seen] == [AlertmanagerFailing, AlertmanagerRecovered]


async def test_alerts_that_wait_when_sending_is_stopped_after_a_failure_are_still_sent(
    alertmanager: FakeAlertmanager, alertmanager_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, BoundedQueue, "take", times=1000)
    async with running(Sending(AlertmanagerConfig(url=alertmanager_url))) as sending:
        await settle()
        sending.sender.accept(alerts(3))
    assert alertmanager.received == ["0", "1", "2"]


async def test_alerts_are_counted_once_when_they_cannot_even_be_given_up_as_usual(
    alertmanager: FakeAlertmanager, alertmanager_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OverflowError("too many")

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    monkeypatch.setattr(Outage, "failed", broken)
    alertmanager.answer = answer
    sending = Sending(AlertmanagerConfig(url=alertmanager_url))
    async with running(sending):
        sending.sender.accept(alerts(3))
        await until(lambda: any(type(event).__name__ == "ComponentFailed" for event in sending.events.seen))
        sending.sender.accept(alerts(2))
    assert sending.count("dropped_total") == 5
