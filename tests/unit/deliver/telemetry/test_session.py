"""Answers to our own telemetry that are larger than they are worth."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from requests import Response

from sidecar.deliver.telemetry.session import ANSWER_BYTES, OwnServerSession


def post(url: str) -> Response:
    with OwnServerSession(lambda: None) as session:
        return session.request("POST", url, data=b"spans", timeout=5)


@pytest.mark.parametrize(("status", "headers"), [(200, {}), (500, {}), (200, {"Content-Encoding": "gzip"})])
async def test_a_large_answer_is_read_up_to_a_limit(
    status: int, headers: dict[str, str], aiohttp_server: Callable[[web.Application], Awaitable[TestServer]]
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers, body=b"x" * (2 << 20))

    app = web.Application()
    app.router.add_post("/", answer)
    server = await aiohttp_server(app)
    given = await asyncio.to_thread(post, str(server.make_url("/")))
    assert (given.status_code, len(given.content)) == (status, ANSWER_BYTES)
