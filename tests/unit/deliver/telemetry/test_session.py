"""Answers to our own telemetry that are larger than they are worth."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from requests import Response

from sidecar.deliver.telemetry.session import ANSWER_BYTES, OwnServerSession


def post(url: str) -> Response:
    with OwnServerSession(lambda: None) as session:
        return session.request("POST", url, data=b"spans", timeout=5)


@pytest.mark.parametrize(("status", "headers"), [(200, {}), (500, {}), (200, {"Content-Encoding": "gzip"})])
async def test_an_endless_answer_is_read_up_to_a_limit(status: int, headers: dict[str, str]) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    app = web.Application()
    app.router.add_post("/", flood)
    async with TestServer(app) as server:
        answer = await asyncio.to_thread(post, str(server.make_url("/")))
    assert (answer.status_code, len(answer.content)) == (status, ANSWER_BYTES)
