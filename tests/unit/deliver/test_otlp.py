"""Forwarding to an upstream that is well, slow, busy, wrong or away."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.codec.otlp.answers import exported
from sidecar.deliver.otlp import MOST_TRIES, TRIES_IN_A_ROW
from sidecar.model.forward import JSON, PROTOBUF, SIGNALS, ForwardBody
from tests.fakes import settle, until
from tests.unit.deliver.upstreams import FakeUpstream, Forwarding, answering, body_of

Serve = Callable[[web.Application], Awaitable[TestServer]]


@pytest.fixture
async def url(upstream: FakeUpstream, aiohttp_server: Serve) -> str:
    return str((await aiohttp_server(upstream.app())).make_url("/base"))


async def test_each_signal_arrives_byte_for_byte_with_its_type_at_its_path(upstream: FakeUpstream, url: str) -> None:
    data = bytes(range(256)) * 8000
    async with Forwarding(endpoint=url).running() as forwarding:
        for signal in SIGNALS:
            forwarding.forwarder.accept(ForwardBody(signal, PROTOBUF, data))
        forwarding.forwarder.accept(ForwardBody("logs", JSON, b"{}"))
        for signal, count in (("traces", 1), ("metrics", 1), ("logs", 2)):
            await forwarding.until("sent_requests_total", count, signal)
    expected = [
        ("/base/v1/traces", data),
        ("/base/v1/metrics", data),
        ("/base/v1/logs", data),
        ("/base/v1/logs", b"{}"),
    ]
    assert sorted(upstream.requests) == sorted(expected)
    types = {headers["Content-Type"] for headers in upstream.headers}
    assert types == {PROTOBUF, JSON}
    assert forwarding.count("sent_bytes_total", "logs") == len(data) + 2
    assert forwarding.said() == []


async def test_signals_that_are_not_wanted_stay_here(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, signals=["logs"]).running() as forwarding:
        forwarding.accept("spans")
        forwarding.accept("logs", signal="logs")
        await forwarding.until("sent_requests_total", 1, "logs")
    assert upstream.taken == [b"logs"]


async def test_a_body_is_compressed_when_that_is_configured(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, compression="gzip").running() as forwarding:
        forwarding.accept("spans" * 1000)
        await forwarding.until("sent_requests_total", 1)
    assert upstream.headers[0]["Content-Encoding"] == "gzip"
    assert int(upstream.headers[0]["Content-Length"]) == len(gzip.compress(b"spans" * 1000, 1))
    assert upstream.taken == [b"spans" * 1000]


async def test_headers_come_from_the_configuration_and_from_files_that_may_change(
    upstream: FakeUpstream, url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer one\n")
    settings: dict[str, Any] = {"headers": {"X-Scope-OrgID": "shop"}, "header_files": {"Authorization": str(token)}}
    async with Forwarding(endpoint=url, **settings).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
        token.write_text("Bearer two\n")
        forwarding.accept("2")
        await forwarding.until("sent_requests_total", 2)
    assert [headers["Authorization"] for headers in upstream.headers] == ["Bearer one", "Bearer two"]
    assert upstream.headers[0]["X-Scope-OrgID"] == "shop"


async def test_a_secret_that_cannot_be_read_is_waited_for(upstream: FakeUpstream, url: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with Forwarding(endpoint=url, header_files={"Authorization": str(token)}).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        token.write_text("secret")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)
    assert f"cannot read `{token}`" in str(forwarding.events.seen[0])


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_upstream_is_tried_again_until_it_takes_the_body(
    upstream: FakeUpstream, url: str, status: int
) -> None:
    upstream.answer = answering(status, b"busy", "text/plain")
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        assert forwarding.count("upstream_up", None) == 0
        await forwarding.pass_until(lambda: forwarding.count("retried_requests_total") == 3)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)
        assert forwarding.count("upstream_up", None) == 1
    assert upstream.taken == [b"1"] * 4
    assert forwarding.said() == ["ForwardFailing", "ForwardRecovered"]
    assert f"status {status}, `busy`" in str(forwarding.events.seen[0])


@pytest.mark.parametrize("status", [304, 400, 401, 404, 413, 500, 501])
async def test_a_body_that_is_refused_for_good_is_given_up_and_the_next_one_goes_on(
    upstream: FakeUpstream, url: str, status: int
) -> None:
    upstream.answer = answering(status)
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("failed_requests_total", 1, reason="rejected")
        upstream.answer = None
        forwarding.accept("2")
        await forwarding.until("sent_requests_total", 1)
    assert upstream.taken == [b"1", b"2"]
    assert forwarding.said() == ["ForwardGivenUp"]


async def test_an_upstream_that_is_away_is_waited_for(unused_tcp_port: int, upstream: FakeUpstream) -> None:
    async with Forwarding(endpoint=f"http://127.0.0.1:{unused_tcp_port}").running() as forwarding:
        forwarding.accept("1", "2")
        await forwarding.until("retried_requests_total", 2)
        runner = web.AppRunner(upstream.app())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        await runner.cleanup()
    assert sorted(upstream.taken) == [b"1", b"2"]


async def test_the_pause_is_the_one_that_the_upstream_asks_for_and_holds_for_every_request(
    upstream: FakeUpstream, url: str
) -> None:
    upstream.answer = answering(503, headers={"Retry-After": "120"})
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        forwarding.accept("2", "3")
        for _ in range(119):
            await forwarding.clock.advance(1)
        assert upstream.taken == [b"1"]
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 3)


async def test_items_that_the_upstream_left_out_are_counted_and_told(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(200, exported(3, "too old"))
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
        upstream.answer = answering(200, b'{"partialSuccess": {"rejectedSpans": "2"}}', JSON)
        forwarding.forwarder.accept(body_of("2", content_type=JSON))
        await forwarding.until("sent_requests_total", 2)
    assert forwarding.count("refused_items_total") == 5
    assert "`3`" in forwarding.events.seen[0].message.format(endpoint="", signal="", refused="`3`", reason="")


async def test_a_warning_without_refused_items_is_a_success(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(200, b'{"partialSuccess": {"errorMessage": "mind the names"}}', JSON)
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
    assert (forwarding.count("refused_items_total"), forwarding.said()) == (0, [])


async def test_a_silent_upstream_costs_a_deadline_and_a_bounded_queue(upstream: FakeUpstream, url: str) -> None:
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    upstream.answer = silent
    settings: dict[str, Any] = {"timeout_seconds": 0.05, "queue_max_bytes": 5, "max_concurrent_requests": 2}
    async with Forwarding(endpoint=url, **settings).running() as forwarding:
        forwarding.accept(*"12")
        await until(lambda: len(upstream.taken) == 2)
        forwarding.accept(*"3456789")
        assert forwarding.count("dropped_requests_total", reason="queue_full") == 4
        assert (forwarding.count("queue_requests", None), forwarding.count("queue_bytes", None)) == (5, 5)
        await forwarding.until("retried_requests_total", 2)
        assert "no answer within 0.05 s" in str(forwarding.events.seen[0])
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 5)
        never.set()
    assert sorted(set(upstream.taken)) == [b"1", b"2", b"7", b"8", b"9"]


async def test_a_body_larger_than_the_queue_pushes_out_no_other(upstream: FakeUpstream, url: str) -> None:
    forwarding = Forwarding(endpoint=url, queue_max_bytes=5)
    forwarding.accept("1", "2", "too large")
    assert forwarding.count("dropped_requests_total", reason="queue_full") == 1
    async with forwarding.running():
        await forwarding.until("sent_requests_total", 2)


async def test_no_more_bodies_wait_than_configured(upstream: FakeUpstream, url: str) -> None:
    forwarding = Forwarding(endpoint=url, queue_max_requests=2)
    forwarding.accept("1", "2", "3")
    assert forwarding.count("dropped_requests_total", reason="queue_full") == 1
    async with forwarding.running():
        await forwarding.until("sent_requests_total", 2)
    assert sorted(upstream.taken) == [b"2", b"3"]


async def test_no_more_requests_are_under_way_than_configured(upstream: FakeUpstream, url: str) -> None:
    under_way, most = 0, 0
    go_on = asyncio.Event()

    async def count(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await go_on.wait()
        under_way -= 1
        return web.Response()

    upstream.answer = count
    async with Forwarding(endpoint=url, max_concurrent_requests=3).running() as forwarding:
        forwarding.accept(*"123456789")
        await until(lambda: under_way == 3)
        await settle()
        go_on.set()
        await forwarding.until("sent_requests_total", 9)
    assert most == 3


async def test_one_body_that_the_upstream_cannot_digest_holds_up_no_other_and_is_given_up_in_the_end(
    upstream: FakeUpstream, url: str
) -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503 if await request.read() == b"poison" else 200)

    upstream.answer = picky
    async with Forwarding(endpoint=url, max_concurrent_requests=1).running() as forwarding:
        forwarding.accept("poison", "1", "2")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert upstream.taken[: TRIES_IN_A_ROW + 2] == [b"poison"] * TRIES_IN_A_ROW + [b"1", b"2"]
        await forwarding.pass_until(lambda: upstream.taken.count(b"poison") == MOST_TRIES - 1)
        forwarding.accept("3")
        await forwarding.pass_until(lambda: forwarding.count("failed_requests_total", reason="retries") == 1)
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 3)
    assert upstream.taken.count(b"poison") == MOST_TRIES


async def test_no_body_is_given_up_while_the_upstream_takes_none(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(503)
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.pass_until(lambda: forwarding.count("retried_requests_total") == 2 * MOST_TRIES, step=10)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)


async def test_what_waits_at_shutdown_is_still_sent_what_is_on_its_way_included(
    upstream: FakeUpstream, url: str
) -> None:
    go_on = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return web.Response()

    upstream.answer = slow
    async with Forwarding(endpoint=url, max_concurrent_requests=2).running() as forwarding:
        forwarding.accept(*"1234")
        await until(lambda: len(upstream.taken) == 2)
        upstream.answer = None
    assert upstream.taken == [b"1", b"2", b"1", b"2", b"3", b"4"]
    go_on.set()


async def test_shutdown_does_not_wait_for_an_upstream_that_is_away_and_counts_what_is_lost(
    upstream: FakeUpstream, url: str
) -> None:
    upstream.answer = answering(503)
    async with asyncio.timeout(3), Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept(*"12345")
        await forwarding.until("retried_requests_total", 4)
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 5
    forwarding.accept("too late")
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 6


async def test_shutdown_takes_no_longer_than_its_budget(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    monkeypatch.setattr("sidecar.deliver.otlp.DRAIN_SECONDS", 0.1)
    upstream.answer = silent
    began = time.monotonic()
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept(*"12")
        await until(lambda: len(upstream.taken) == 2)
    never.set()
    assert time.monotonic() - began < 5
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 2
