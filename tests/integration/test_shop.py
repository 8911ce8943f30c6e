"""The demonstration's shop against real servers: what its traces say, and that it outlives its servers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from redis.asyncio import Redis

from sidecar.demo.ports import free_port
from sidecar.demo.servers import PostgresServer, ValkeyServer
from sidecar.demo.shop.process import ShopProcess, ShopSettings
from sidecar.demo.traffic import Sent, run_traffic

pytestmark = pytest.mark.integration

SOLD_OUT = {"customer": "test", "lines": [{"sku": "SKU-060", "quantity": 1}]}
TOO_MUCH = {"customer": "test", "lines": [{"sku": "SKU-001", "quantity": 10_000}]}
GOOD_ORDER = {"customer": "test", "lines": [{"sku": "SKU-001", "quantity": 2}, {"sku": "SKU-002", "quantity": 1}]}


class Capture:
    """An OTLP endpoint that keeps the spans it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.arrived = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        export = ExportTraceServiceRequest.FromString(await request.read())
        for resource in export.resource_spans:
            self.services.add(attributes(resource.resource)["service.name"])
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.arrived.set()
        return web.Response(content_type="application/x-protobuf")

    def roots(self, route: str, method: str = "GET") -> list[Span]:
        """Return the server spans of `route`, first received first."""
        return [
            span
            for span in self.spans
            if span.kind == Span.SPAN_KIND_SERVER
            and (attributes(span)["http.request.method"], attributes(span)["http.route"]) == (method, route)
        ]

    def children(self, root: Span) -> list[Span]:
        return [span for span in self.spans if span.parent_span_id == root.span_id]

    async def wait_for(self, route: str, method: str = "GET", count: int = 1) -> list[Span]:
        """Return the server spans of `route` as soon as there are `count` of them."""
        async with asyncio.timeout(5):
            while len(self.roots(route, method)) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.roots(route, method)


def attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: value_of(pair.value) for pair in holder.attributes}


def value_of(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


def exception_types(span: Span) -> list[str]:
    return [
        attributes(event)["exception.type"].rpartition(".")[2] for event in span.events if event.name == "exception"
    ]


async def status_of(client: aiohttp.ClientSession, path: str, body: Any = None) -> int:
    async with client.request("GET" if body is None else "POST", path, json=body) as response:
        await response.read()
        return response.status


async def becomes(status: int, client: aiohttp.ClientSession, path: str) -> None:
    """Return when GET `path` answers `status`."""
    async with asyncio.timeout(10):
        while True:
            if await status_of(client, path) == status:
                return
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest_asyncio.fixture
async def capture() -> AsyncIterator[tuple[Capture, str]]:
    kept = Capture()
    application = web.Application()
    application.router.add_post("/v1/traces", kept.receive)
    async with TestServer(application) as server:
        yield kept, f"http://{server.host}:{server.port}"


@pytest_asyncio.fixture
async def shop(
    postgres: PostgresServer, valkey: ValkeyServer, capture: tuple[Capture, str]
) -> AsyncIterator[ShopProcess]:
    async with Redis.from_url(valkey.url) as cache:
        await cache.flushall()  # else the last shop's products would answer before this one's database is ready
    process = ShopProcess(ShopSettings(free_port(), postgres.dsn, valkey.url, capture[1]))
    await process.start()
    yield process
    await process.stop()


@pytest_asyncio.fixture
async def client(shop: ShopProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(shop.settings.url) as session:
        await becomes(200, session, "/products")
        yield session


@pytest.fixture
def spans(capture: tuple[Capture, str]) -> Capture:
    return capture[0]


async def test_a_request_is_a_server_span_with_route_and_status(client: aiohttp.ClientSession, spans: Capture) -> None:
    assert await status_of(client, "/products/SKU-007") == 200
    assert await status_of(client, "/products/none") == 404
    found, missing = await spans.wait_for("/products/{sku}", count=2)
    assert found.name == "GET /products/{sku}"
    assert attributes(found)["http.response.status_code"] == 200
    assert attributes(missing)["http.response.status_code"] == 404
    assert spans.services == {"shop"}


async def test_health_is_not_traced(client: aiohttp.ClientSession, spans: Capture) -> None:
    assert await status_of(client, "/healthz") == 200
    assert await status_of(client, "/products") == 200
    await spans.wait_for("/products")
    assert not spans.roots("/healthz")


async def test_a_cached_answer_asks_redis_and_not_the_database(client: aiohttp.ClientSession, spans: Capture) -> None:
    for _ in range(2):
        assert await status_of(client, "/products/SKU-011") == 200
    first, second = await spans.wait_for("/products/{sku}", count=2)
    assert {attributes(span)["db.system.name"] for span in spans.children(first)} == {
        "postgresql",
        "redis",
    }
    assert [span.name for span in spans.children(second)] == ["GET"]


async def test_an_order_asks_once_per_line(client: aiohttp.ClientSession, spans: Capture) -> None:
    assert await status_of(client, "/orders/5") == 200
    (root,) = await spans.wait_for("/orders/{id}")
    queries = Counter(attributes(child)["db.query.text"] for child in spans.children(root))
    text, count = queries.most_common(1)[0]
    assert text.startswith("SELECT p.name")
    assert count >= 5
    assert root.end_time_unix_nano - root.start_time_unix_nano > 50_000_000


async def test_a_search_for_a_short_word_is_slow(client: aiohttp.ClientSession, spans: Capture) -> None:
    assert await status_of(client, "/search?q=a") == 200
    assert await status_of(client, "/search?q=lamp") == 200
    roots = await spans.wait_for("/search", count=2)
    slow, fast = ((span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 for span in roots)
    assert 0.2 <= slow <= 1.0
    assert fast < 0.2


async def test_orders_fail_with_two_types_of_exception(client: aiohttp.ClientSession, spans: Capture) -> None:
    assert await status_of(client, "/orders", GOOD_ORDER) == 201
    assert await status_of(client, "/orders", SOLD_OUT) == 500
    assert await status_of(client, "/orders", TOO_MUCH) == 500
    assert await status_of(client, "/orders", {"lines": []}) == 400
    good, sold_out, too_much, not_an_order = await spans.wait_for("/orders", "POST", count=4)
    assert not exception_types(good)
    assert not exception_types(not_an_order)
    assert exception_types(sold_out) == ["OutOfStockError"]
    assert exception_types(too_much) == ["PaymentDeclinedError"]
    assert sold_out.status.code == too_much.status.code == 2
    assert attributes(sold_out)["http.response.status_code"] == 500


async def test_every_request_of_the_traffic_is_a_server_span(shop: ShopProcess, spans: Capture) -> None:
    sent = Sent()
    await run_traffic(shop.settings.url, 100, sent, limit=100)
    await shop.stop()  # sends what is left
    servers = [span for span in spans.spans if span.kind == Span.SPAN_KIND_SERVER]
    assert sent.total == 100
    assert Counter(str(attributes(span)["http.response.status_code"]) for span in servers) == sent.by_status


async def test_the_shop_goes_on_without_redis_and_uses_it_again(
    client: aiohttp.ClientSession, valkey: ValkeyServer, spans: Capture
) -> None:
    await asyncio.to_thread(valkey.stop)
    assert await status_of(client, "/products/SKU-020") == 200
    await asyncio.to_thread(valkey.start)
    for _ in range(2):
        assert await status_of(client, "/products/SKU-021") == 200
    *_, cached = await spans.wait_for("/products/{sku}", count=3)
    assert [span.name for span in spans.children(cached)] == ["GET"]


async def test_the_shop_outlives_its_database(
    client: aiohttp.ClientSession, postgres: PostgresServer, spans: Capture
) -> None:
    await asyncio.to_thread(postgres.stop)
    assert await status_of(client, "/orders/1") == 503
    assert await status_of(client, "/healthz") == 200
    await asyncio.to_thread(postgres.start)
    await becomes(200, client, "/orders/1")
    (failed, *_) = await spans.wait_for("/orders/{id}", count=2)
    assert attributes(failed)["http.response.status_code"] == 503
    assert exception_types(failed)


async def test_a_shop_without_servers_starts_and_sigterm_ends_it_at_once() -> None:
    nowhere = free_port()
    url = f"http://127.0.0.1:{nowhere}"
    shop = ShopProcess(
        ShopSettings(free_port(), f"postgresql://u:p@127.0.0.1:{nowhere}/d", f"redis://127.0.0.1:{nowhere}", url)
    )
    await shop.start()
    async with aiohttp.ClientSession(shop.settings.url) as client:
        assert await status_of(client, "/products") == 503
    started = asyncio.get_running_loop().time()
    await shop.stop()
    assert asyncio.get_running_loop().time() - started < 3
