"""Forwarding with a state file: what the upstream does not take at once survives the process."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.deliver.merging import MERGING, Merging
from sidecar.deliver.otlp import TRIES_IN_A_ROW
from tests.fakes import until
from tests.unit.deliver.upstreams import ALONE, FakeUpstream, Forwarding, answering

Serve = Callable[[web.Application], Awaitable[TestServer]]
ROOM: dict[str, Any] = {"queue_max_bytes": 1000, "spill_max_bytes": 10_000}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def killed(path: Path) -> Path:
    """Return the file as it would be found if the process were gone now."""
    copy = path.parent / "after.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    return copy


def remove(path: Path) -> None:
    path.unlink()


async def test_a_healthy_upstream_needs_no_disk(upstream: FakeUpstream, url: str, path: Path) -> None:
    async with Forwarding(path, endpoint=url, **ROOM).running() as forwarding:
        for text in "12345":
            forwarding.accept(text)
            await forwarding.pass_until(lambda: not forwarding.count("queue_requests", None))
    assert upstream.taken == [b"1", b"2", b"3", b"4", b"5"]
    assert forwarding.count("spilled_requests_total") == 0


async def test_what_was_accepted_while_the_upstream_was_down_is_on_disk_and_sent_in_order_after_a_kill(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "max_concurrent_requests": 1, **ROOM}
    async with Forwarding(path, **settings).running() as forwarding:
        forwarding.accept(*"123")
        forwarding.accept("x", signal="logs")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 3)
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total", "logs") == 1)
        after = killed(path)
    upstream.requests.clear()
    upstream.answer = None
    async with Forwarding(after, **settings).running() as again:
        await again.until("sent_requests_total", 3)
        await again.until("sent_requests_total", 1, "logs")
        again.accept("4")
        await again.until("sent_requests_total", 4)
    paths = ["/v1/traces"] * 3 + ["/v1/logs", "/v1/traces"]
    assert upstream.requests == list(zip(paths, (b"1", b"2", b"3", b"x", b"4"), strict=True))


async def test_a_silent_upstream_keeps_nothing_from_the_disk(upstream: FakeUpstream, url: str, path: Path) -> None:
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    upstream.answer = silent
    async with Forwarding(path, endpoint=url, **ROOM).running() as forwarding:
        forwarding.accept(*"123456")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 6)
        assert forwarding.count("retried_requests_total") == 0
        never.set()
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 6)
    assert sorted(upstream.taken) == [b"1", b"2", b"3", b"4", b"5", b"6"]


async def test_what_was_taken_is_not_sent_again_after_a_restart(upstream: FakeUpstream, url: str, path: Path) -> None:
    upstream.answer = answering(503)
    async with Forwarding(path, endpoint=url, **ROOM).running() as forwarding:
        forwarding.accept(*"12")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 2)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert forwarding.count("spill_bytes", None) == 0
    upstream.requests.clear()
    async with Forwarding(path, endpoint=url, **ROOM).running() as again:
        again.accept("3")
        await again.until("sent_requests_total", 1)
    assert upstream.taken == [b"3"]


async def test_what_waits_at_shutdown_goes_to_disk_and_comes_back(upstream: FakeUpstream, url: str, path: Path) -> None:
    upstream.answer = answering(503)
    async with Forwarding(path, endpoint=url, **ROOM).running() as forwarding:
        forwarding.accept(*"123456")
        await forwarding.until("retried_requests_total", 4)
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 0
    upstream.requests.clear()
    upstream.answer = None
    async with Forwarding(path, endpoint=url, **ROOM).running() as again:
        await again.until("sent_requests_total", 6)
    assert sorted(upstream.taken) == [b"1", b"2", b"3", b"4", b"5", b"6"]


async def test_beyond_its_size_the_oldest_on_disk_are_dropped_and_counted(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {
        "endpoint": url,
        "max_concurrent_requests": 1,
        "queue_max_bytes": 300,
        "spill_max_bytes": 500,
    }
    texts = [str(number).rjust(100) for number in range(10)]
    async with Forwarding(path, **settings).running() as forwarding:
        for number, text in enumerate(texts, start=1):
            forwarding.accept(text)
            await forwarding.pass_until(partial(forwarding.has, "spilled_requests_total", number))
        assert forwarding.count("dropped_requests_total", reason="spill_full") == 5
        assert forwarding.count("dropped_requests_total", reason="queue_full") == 0
        assert forwarding.count("spill_bytes", None) == 500
        upstream.requests.clear()
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 5)
    assert [int(body) for body in upstream.taken] == [0, 6, 7, 8, 9]


async def test_what_comes_while_the_disk_is_worked_off_waits_behind_it(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "max_concurrent_requests": 1, **ROOM}
    async with Forwarding(path, **settings).running() as forwarding:
        forwarding.accept(*(f"{number:03}" for number in range(200)))
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 200)
        upstream.requests.clear()
        upstream.answer = None
        await forwarding.pass_until(lambda: bool(upstream.requests))
        forwarding.accept(*(f"{number:03}" for number in range(200, 210)))
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 210)
    assert [int(body) for body in upstream.taken] == list(range(210))


async def test_a_body_that_the_upstream_cannot_digest_is_postponed_on_disk_too_and_given_up(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503 if await request.read() == b"poison" else 200)

    upstream.answer = picky
    async with Forwarding(path, endpoint=url, max_concurrent_requests=1, **ROOM).running() as forwarding:
        forwarding.accept("poison", "1", "2")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert upstream.taken[: TRIES_IN_A_ROW + 2] == [b"poison"] * TRIES_IN_A_ROW + [b"1", b"2"]
        await forwarding.pass_until(lambda: forwarding.count("failed_requests_total", reason="retries") == 1)
        assert forwarding.count("spill_bytes", None) == 0


async def test_without_its_file_forwarding_goes_on_in_memory(upstream: FakeUpstream, url: str, tmp_path: Path) -> None:
    upstream.answer = answering(503)
    async with Forwarding(tmp_path / "missing" / "state.db", endpoint=url, **ROOM).running() as forwarding:
        forwarding.accept(*"123")
        await forwarding.pass_until(lambda: (forwarding.count("retried_requests_total") or 0) > 6)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 3)
    assert forwarding.said() == ["StateFileFailing", "ForwardFailing", "ForwardRecovered"]


async def test_a_file_that_is_lost_while_the_upstream_is_down_costs_what_was_on_it_only(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "max_concurrent_requests": 1, **ROOM}
    async with Forwarding(path, **settings).running() as forwarding:
        forwarding.accept(*"123")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 3)
        remove(path)
        await forwarding.pass_until(lambda: forwarding.count("dropped_requests_total", reason="spill_lost") == 2)
        forwarding.accept("4")
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 5)
        upstream.requests.clear()
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
    assert upstream.taken == [b"1", b"4"]


async def test_bodies_of_another_configuration_are_sent_all_the_same(
    upstream: FakeUpstream, url: str, path: Path
) -> None:
    upstream.answer = answering(503)
    async with Forwarding(path, endpoint=url, **ROOM).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
    upstream.answer = None
    async with Forwarding(path, endpoint=url, signals=["logs"], **ROOM).running() as again:
        await again.until("sent_requests_total", 1)
        await until(lambda: again.count("queue_requests", None) == 0)


@pytest.mark.parametrize("merging", [ALONE, MERGING], ids=["alone", "merged"])
async def test_a_burst_larger_than_the_memory_is_on_disk_at_once(
    upstream: FakeUpstream, url: str, path: Path, merging: Merging
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "queue_max_bytes": 40, "spill_max_bytes": 1000}
    async with Forwarding(path, merging=merging, **settings).running() as forwarding:
        for number in range(100, 160):
            forwarding.accept(str(number))
            if number % 3 == 0:
                await until(lambda: has_room(forwarding))
        assert forwarding.count("dropped_requests_total", reason="queue_full") == 0
        assert forwarding.count("dropped_requests_total", reason="spill_full") == 0
        upstream.requests.clear()
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 60)
    numbers = {int(body[at : at + 3]) for body in upstream.taken for at in range(0, len(body), 3)}
    assert sorted(numbers) == [*range(100, 160)]


def has_room(forwarding: Forwarding) -> bool:
    """Return whether a quarter of the memory is free."""
    return (forwarding.count("queue_bytes", None) or 0) <= 30


@pytest.mark.parametrize("merging", [ALONE, MERGING], ids=["alone", "merged"])
async def test_what_is_under_way_leaves_room_for_what_comes(
    upstream: FakeUpstream, url: str, path: Path, merging: Merging
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "queue_max_bytes": 40, "spill_max_bytes": 1000}
    async with Forwarding(path, merging=merging, max_concurrent_requests=64, **settings).running() as forwarding:
        for number in range(100, 150):
            forwarding.accept(str(number))
            await forwarding.pass_until(lambda: has_room(forwarding))
        assert forwarding.count("dropped_requests_total", reason="queue_full") == 0
