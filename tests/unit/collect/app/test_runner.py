"""The runner on real sockets: what it asks, what it takes, and how each way to fail ends."""

import asyncio
import gzip
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpServer
from yarl import URL

from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.app.connection import ACCEPT
from sidecar.collect.app.runner import AppRunner
from sidecar.collect.events import TargetDown, TargetUp
from tests.fakes import settle
from tests.integration.servers import full_backlog, silent_listener
from tests.servers import HOST
from tests.unit.collect.scraping import Surroundings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = "# TYPE a gauge\na 1\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na 1\n"


@pytest.fixture
async def around() -> AsyncIterator[Surroundings]:
    yield Surroundings()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@asynccontextmanager
async def scraping(around: Surroundings, url: Any, **settings: Any) -> AsyncIterator[AppRunner]:
    """Yield a runner; its connection is gone afterwards."""
    config = AppMetricsConfig.model_validate({"url": str(url), **settings})
    runner = AppRunner(config, around.target, around.context)
    try:
        yield runner
    finally:
        runner._drop_connection()
        await asyncio.sleep(0)


async def error_of(around: Surroundings, url: Any, **settings: Any) -> str:
    """Scrape once, expect the target to be down without any sample, and return why it is."""
    async with scraping(around, url, **settings) as runner:
        await runner._scrape_once()
    assert (around.sink.last.up, around.sink.values()) == (False, {})
    (event,) = around.events.seen
    assert isinstance(event, TargetDown)
    return event.error


@asynccontextmanager
async def app_that(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], port: int = 0
) -> AsyncIterator[str]:
    """Yield the URL of a server that, once asked, does with each connection what `handle` does, and closes it."""
    over: list[asyncio.Event] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done = asyncio.Event()
        over.append(done)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await handle(reader, writer)
        writer.close()
        done.set()

    server = await asyncio.start_server(answer, HOST, port)
    async with server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}/metrics"
        for connection in over:
            await connection.wait()
    await settle()


@pytest.fixture
def serve(aiohttp_server: AiohttpServer) -> Callable[..., Awaitable[Any]]:
    async def start(handler: Handler, path: str = "/metrics", **options: Any) -> Any:
        app = web.Application()
        app.router.add_get(path, handler)
        server = await aiohttp_server(app, **options)
        return server.make_url(path)

    return start


async def test_app_is_asked_as_prometheus_asks(around: Surroundings, serve: Any, tmp_path: Path) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=gzip.compress(PAGE.encode()), headers={"Content-Encoding": "gzip"})

    token = tmp_path / "token"
    token.write_text("first\n")
    async with scraping(around, await serve(answer), timeout_seconds=7.5, bearer_token_file=str(token)) as runner:
        await runner._scrape_once()
        token.write_text("second")
        await runner._scrape_once()
    assert around.sink.last.up is True
    assert around.sink.values() == {"a": 1}
    assert around.sink.last.source == "app/main"
    headers = seen[0].headers
    assert (headers["Accept"], headers["X-Prometheus-Scrape-Timeout-Seconds"]) == (ACCEPT, "7.5")
    assert headers["Accept-Encoding"] == "gzip"
    assert [request.headers["Authorization"] for request in seen] == ["Bearer first", "Bearer second"]
    assert len({request.transport for request in seen}) == 1


async def test_connection_that_the_app_closed_meanwhile_is_opened_again(around: Surroundings) -> None:
    peers = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername"))
        writer.write(ANSWER)

    async with app_that(answer_once) as url, scraping(around, url) as runner:
        for _ in range(3):
            await runner._scrape_once()
    assert [batch.up for batch in around.sink.batches] == [True, True, True]
    assert len(set(peers)) == 3


async def test_app_that_goes_and_comes_back_is_told_once(around: Surroundings) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)
        await reader.read()

    async with app_that(answer) as url, scraping(around, url) as runner:
        await runner._scrape_once()
        runner._drop_connection()
    for _ in range(2):
        await runner._scrape_once()
    assert "Connect call failed" in around.events.seen[-1].error  # type: ignore[attr-defined] # it is a TargetDown
    async with app_that(answer, URL(url).port or 0):
        await runner._scrape_once()
        runner._drop_connection()
    assert [batch.up for batch in around.sink.batches] == [True, False, False, True]
    assert [type(event) for event in around.events.seen] == [TargetDown, TargetUp]


@pytest.mark.parametrize("status", [204, 401, 404, 500, 503])
async def test_any_status_but_200_is_down(around: Surroundings, serve: Any, status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=None if status == 204 else PAGE)

    assert await error_of(around, await serve(answer)) == f"TargetError: answered HTTP {status}"


async def test_redirect_is_followed_and_takes_no_token_elsewhere(
    around: Surroundings, serve: Any, tmp_path: Path
) -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response(text=PAGE)

    elsewhere = await serve(answer, "/elsewhere")

    async def point(request: web.Request) -> web.Response:
        raise web.HTTPFound(elsewhere)

    (tmp_path / "token").write_text("s3cret")
    async with scraping(around, await serve(point), bearer_token_file=str(tmp_path / "token")) as runner:
        await runner._scrape_once()
    assert (around.sink.values(), seen) == ({"a": 1}, [None])


async def test_redirects_without_end_are_down(around: Surroundings, serve: Any) -> None:
    async def point(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.url)

    assert await error_of(around, await serve(point)) == "AnswerError: redirected 10 times"


async def test_page_for_people_is_down_and_says_what_it_is(around: Surroundings, serve: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="<html>\n<body>Welcome</body></html>", content_type="text/html")

    assert "`text/html`, is malformed at line 1" in await error_of(around, await serve(answer))


async def test_metrics_that_claim_to_be_html_are_taken(around: Surroundings, serve: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async with scraping(around, await serve(answer)) as runner:
        await runner._scrape_once()
    assert around.sink.values() == {"a": 1}


async def test_nothing_of_a_malformed_answer_is_accepted(around: Surroundings, serve: Any) -> None:
    pages = itertools.cycle((PAGE, f"{PAGE}b ?\n"))

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=next(pages))

    async with scraping(around, await serve(answer)) as runner:
        for _ in range(3):
            await runner._scrape_once()
    assert [(batch.up, len(batch.families)) for batch in around.sink.batches] == [(True, 1), (False, 0), (True, 1)]


async def test_too_many_series_fail_the_scrape_with_the_numbers(around: Surroundings, serve: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="".join(f'a{{n="{n}"}} 1\n' for n in range(101)))

    error = await error_of(around, await serve(answer), max_series=100)
    assert error == "TargetError: the answer has 101 samples, and `max_series` is 100"


async def test_answer_without_end_is_not_read_beyond_the_limit(around: Surroundings) -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"#" * 65_536)
            await writer.drain()

    async with app_that(pour) as url:
        error = await error_of(around, url, max_body_bytes=1_000_000)
    assert error == "TargetError: the answer is longer than 1000000 bytes (`max_body_bytes`)"


async def test_compressed_bomb_is_down(around: Surroundings, serve: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"#" * 20_000_000), headers={"Content-Encoding": "gzip"})

    assert "longer than 1000000 bytes" in await error_of(around, await serve(answer), max_body_bytes=1_000_000)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n", "AnswerError: the answer is cut off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08", "cut off"),
    ],
)
async def test_broken_answer_is_down(around: Surroundings, sent: bytes, reason: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)

    async with app_that(answer) as url:
        assert reason in await error_of(around, url)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9_000 + b"\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 2_000 + b"Content-Length: 4\r\n\r\n",
    ],
)
async def test_answer_that_prometheus_takes_is_taken(around: Surroundings, head: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"a 1\n")

    async with app_that(answer) as url, scraping(around, url) as runner:
        await runner._scrape_once()
    assert around.sink.values() == {"a": 1}


async def test_app_that_never_answers_ends_at_the_deadline(around: Surroundings) -> None:
    async with silent_listener() as port:
        error = await error_of(around, f"http://{HOST}:{port}/", timeout_seconds=0.1)
    assert error == "no answer within 0.1 s"


async def test_app_that_never_connects_ends_at_the_deadline(around: Surroundings) -> None:
    with full_backlog() as port:
        error = await error_of(around, f"http://{HOST}:{port}/", timeout_seconds=0.1)
    assert error == "no answer within 0.1 s"


async def test_answer_that_stops_midway_ends_at_the_deadline(around: Surroundings) -> None:
    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n")
        await reader.read()

    async with app_that(begin) as url:
        assert await error_of(around, url, timeout_seconds=0.1) == "no answer within 0.1 s"


async def test_loop_runs_on_while_a_large_answer_is_parsed(around: Surroundings, serve: Any) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="".join(f'a{{number="{n}",path="/api/v1/things"}} 1\n' for n in range(5000)))

    async with scraping(around, await serve(answer)) as runner:
        await runner._connection.ask()
        busy = asyncio.get_running_loop().create_task(turn())
        await runner._scrape_once()
        busy.cancel()
        await asyncio.wait([busy])
    assert len(around.sink.values()) == 5000
    assert turns > 100


async def test_token_stands_in_no_error(around: Surroundings, serve: Any, tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.headers['Authorization']} ?\n")

    (tmp_path / "token").write_text("c4nary")
    error = await error_of(around, await serve(echo), bearer_token_file=str(tmp_path / "token"))
    assert "malformed" in error
    assert "c4nary" not in error


@pytest.mark.parametrize("key", ["bearer_token_file", "ca_file"])
async def test_file_that_is_missing_is_named(around: Surroundings, key: str) -> None:
    error = await error_of(around, "https://127.0.0.1:1/", **{key: "/nowhere"})
    assert "`/nowhere`: No such file or directory" in error
