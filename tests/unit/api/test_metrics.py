"""An exposition as an answer: format, encoding and headers."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestClient

from sidecar.api.metrics import metrics_response
from sidecar.codec.exposition import Format

Client: TypeAlias = TestClient[Any, Any]


class FakeExposition:
    """Bodies that tell which one was asked for."""

    def __init__(self) -> None:
        self.steps = 0

    def render(self, form: Format) -> bytes:
        return form.name.encode()

    def render_gzip(self, form: Format) -> bytes:
        return gzip.compress(form.name.encode())

    async def prepare(self, form: Format, *, compressed: bool) -> None:
        for _ in range(3):
            self.steps += 1
            await asyncio.sleep(0)


@pytest.fixture
def pages() -> FakeExposition:
    return FakeExposition()


@pytest.fixture
async def client(
    pages: FakeExposition,
    aiohttp_raw_server: Callable[[Any], Awaitable[RawTestServer]],
    aiohttp_client: Callable[[RawTestServer], Awaitable[Client]],
) -> Client:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return await metrics_response(pages, request)

    return await aiohttp_client(await aiohttp_raw_server(handler))


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", "TEXT"),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "OPENMETRICS",
        ),
    ],
)
async def test_answer_is_what_was_asked_for_and_says_so(
    client: Client, pages: FakeExposition, encoding: str, accept: str, content_type: str, body: str
) -> None:
    response = await client.get("/", headers={"Accept": accept, "Accept-Encoding": encoding})
    assert (response.status, await response.text()) == (200, body)
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Vary"] == "Accept, Accept-Encoding"
    assert response.headers.get("Content-Encoding", "identity") == encoding
    assert pages.steps == 3
