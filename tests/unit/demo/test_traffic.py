"""Traffic: repeatable, counted to the last request, and not stopped by a shop that is away."""

import asyncio
from collections import Counter
from random import Random

import pytest
from aiohttp import web
from aiohttp.pytest_plugin import AiohttpServer

from sidecar.demo.traffic import CONCURRENCY, KINDS, Sent, choose_visit, run_traffic


def test_the_same_seed_gives_the_same_visits() -> None:
    first, second, other = Random(1), Random(1), Random(2)
    visits = [choose_visit(first) for _ in range(100)]
    assert visits == [choose_visit(second) for _ in range(100)]
    assert visits != [choose_visit(other) for _ in range(100)]


def test_weights_are_parts_of_a_hundred_and_every_kind_is_chosen() -> None:
    assert sum(weight for weight, _ in KINDS) == 100
    random = Random(1)
    visits = [choose_visit(random) for _ in range(1000)]
    chosen = Counter((visit.method, visit.path.split("/")[1].split("?")[0]) for visit in visits)
    assert set(chosen) == {("GET", "products"), ("GET", "orders"), ("GET", "search"), ("POST", "orders")}
    assert all("lines" in visit.body for visit in visits if visit.body is not None)


async def test_every_request_is_counted_by_its_status(aiohttp_server: AiohttpServer) -> None:
    seen: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        status = 201 if request.method == "POST" else 200
        seen[str(status)] += 1
        return web.Response(status=status)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    server = await aiohttp_server(application)
    sent = Sent()
    await run_traffic(str(server.make_url("/")), 1000, sent, limit=50)
    assert sent.total == 50
    assert sent.by_status == seen


async def test_a_shop_that_is_away_is_counted_and_asked_again(unused_tcp_port: int) -> None:
    sent = Sent()
    await run_traffic(f"http://127.0.0.1:{unused_tcp_port}", 1000, sent, limit=5)
    assert sent.by_status == {"failed": 5}


async def test_a_shop_that_hangs_holds_a_bounded_number_of_requests(aiohttp_server: AiohttpServer) -> None:
    held: list[web.Request] = []
    never = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        held.append(request)
        await never.wait()
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", hang)
    server = await aiohttp_server(application)
    sent = Sent()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await run_traffic(str(server.make_url("/")), 1000, sent)
    never.set()
    assert len(held) == CONCURRENCY
    assert sent.total == 0
