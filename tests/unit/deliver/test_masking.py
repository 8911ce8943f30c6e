"""Forwarding with `redact`: nothing unmasked is sent, or written to disk."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.model.forward import JSON, PROTOBUF, ForwardBody
from tests.fakes import until
from tests.unit.deliver.upstreams import FakeUpstream, Forwarding, answering, hidden

Serve = Callable[[web.Application], Awaitable[TestServer]]
SPILL: dict[str, Any] = {"queue_max_bytes": 1000, "spill_max_bytes": 10_000}


def held_up(until: Event) -> Callable[[ForwardBody], ForwardBody]:
    """Return a masking that takes its time."""

    def mask(body: ForwardBody) -> ForwardBody:
        assert until.wait(10)
        return hidden(body)

    return mask


def all_bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_what_is_sent_is_masked_and_in_protobuf(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("a secret")
        forwarding.forwarder.accept(ForwardBody("traces", JSON, b"{secret}"))
        await forwarding.until("sent_requests_total", 2)
    assert sorted(upstream.taken) == [b"a ***", b"{***}"]
    assert {headers["Content-Type"] for headers in upstream.headers} == {PROTOBUF}


async def test_without_the_setting_bytes_go_on_untouched(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("a secret")
        await forwarding.until("sent_requests_total", 1)
    assert upstream.taken == [b"a secret"]


async def test_what_cannot_be_masked_stays_here_and_is_counted_and_told_without_its_text(
    upstream: FakeUpstream, url: str
) -> None:
    async with Forwarding(endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("broken", "2")
        await forwarding.until("sent_requests_total", 1)
    assert upstream.taken == [b"2"]
    assert forwarding.count("failed_requests_total", reason="unreadable") == 1
    assert forwarding.said() == ["ForwardUnreadable"]
    assert "secret" not in str(forwarding.events.seen[0])


async def test_what_is_on_disk_is_masked(upstream: FakeUpstream, url: str, tmp_path: Path) -> None:
    upstream.answer = answering(503)
    path = tmp_path / "state.db"
    async with Forwarding(path, endpoint=url, redact=True, **SPILL).running() as forwarding:
        forwarding.accept("a secret 1", "a secret 2")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 2)
        kept = all_bytes_of(tmp_path)
        assert b"secret" not in kept
        assert b"a *** 2" in kept
    upstream.answer = None
    upstream.requests.clear()
    async with Forwarding(path, endpoint=url, redact=True, **SPILL).running() as again:
        await again.until("sent_requests_total", 2)
    assert upstream.taken == [b"a *** 1", b"a *** 2"]


async def test_what_was_written_to_disk_before_the_setting_was_made_is_masked_when_it_is_sent(
    upstream: FakeUpstream, url: str, tmp_path: Path
) -> None:
    upstream.answer = answering(503)
    path = tmp_path / "state.db"
    async with Forwarding(path, endpoint=url, **SPILL).running() as forwarding:
        forwarding.accept("a secret", "broken")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 2)
    upstream.answer = None
    upstream.requests.clear()
    async with Forwarding(path, endpoint=url, redact=True, **SPILL).running() as again:
        await again.until("sent_requests_total", 1)
        await again.until("failed_requests_total", 1, reason="rejected")
    assert upstream.taken == [b"a ***"]


async def test_bodies_that_wait_to_be_masked_are_bounded_and_the_oldest_go(upstream: FakeUpstream, url: str) -> None:
    go_on = Event()
    settings: dict[str, Any] = {"endpoint": url, "redact": True, "queue_max_bytes": 5, "queue_max_requests": 3}
    async with Forwarding(mask=held_up(go_on), **settings).running() as forwarding:
        forwarding.accept("1")
        await until(lambda: not forwarding.count("queue_requests", None))
        forwarding.accept("too large", *"2345")
        assert (forwarding.count("queue_requests", None), forwarding.count("queue_bytes", None)) == (3, 3)
        assert forwarding.count("dropped_requests_total", reason="queue_full") == 2
        go_on.set()
        await forwarding.until("sent_requests_total", 4)
    assert sorted(upstream.taken) == [b"1", b"3", b"4", b"5"]


async def test_the_event_loop_goes_on_while_a_body_is_masked(upstream: FakeUpstream, url: str) -> None:
    go_on = Event()
    async with Forwarding(mask=held_up(go_on), endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("1")
        for _ in range(100):
            await asyncio.sleep(0)
        go_on.set()
        await forwarding.until("sent_requests_total", 1)


async def test_what_waits_at_the_end_is_masked_and_sent(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("secret 1", "secret 2")
    assert sorted(upstream.taken) == [b"*** 1", b"*** 2"]
    forwarding.accept("3")
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 1


async def test_at_the_end_a_masking_that_takes_too_long_is_not_waited_for(
    upstream: FakeUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.deliver.otlp.DRAIN_SECONDS", 0.05)
    go_on = Event()
    async with Forwarding(mask=held_up(go_on), endpoint=url, redact=True).running() as forwarding:
        forwarding.accept("1", "2")
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 2
    go_on.set()
    assert upstream.taken == []
