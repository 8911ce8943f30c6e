"""The loopback listener: the page, its headers, and who may ask."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sidecar.api.config import ApiConfig
from sidecar.api.local import LocalContent, local_app
from sidecar.api.page.overview import Overview, Table
from tests.fakes import nothing_is_on_its_way

Client: TypeAlias = TestClient[Any, Any]

HOSTILE = "<script>alert(1)</script>"
OVERVIEW = Overview(
    "sidecar", "1 of 2 targets is down.", [Table("Targets", ["name"], [[HOSTILE]]), Table("Alerts", ["a"], [])]
)


@pytest.fixture
async def client(aiohttp_client: Callable[[web.Application], Awaitable[Client]]) -> Client:
    content = LocalContent(lambda: OVERVIEW, (), lambda error: pytest.fail(str(error)), nothing_is_on_its_way)
    return await aiohttp_client(local_app(content, ApiConfig()))


async def test_the_page_says_what_runs_and_escapes_what_others_wrote(client: Client) -> None:
    response = await client.get("/")
    text = await response.text()
    assert "1 of 2 targets is down." in text
    assert "&lt;script&gt;" in text
    assert HOSTILE not in text
    assert '<td colspan="1">none</td>' in text


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/page.css", 200), ("/nope", 404)])
async def test_every_answer_carries_the_security_headers(client: Client, path: str, status: int) -> None:
    response = await client.get(path)
    assert response.status == status
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:9465", 200), ("localhost", 200), ("[::1]:9465", 200), ("evil.example", 421), ("", 421)],
)
async def test_a_foreign_host_name_is_refused(client: Client, host: str, status: int) -> None:
    assert (await client.get("/", headers={"Host": host})).status == status
