"""The shop without its servers: it answers, says what it cannot do, and its slow searches are known in advance."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from aiohttp.pytest_plugin import AiohttpClient
from aiohttp.test_utils import TestClient

from sidecar.demo.shop.cache import open_cache
from sidecar.demo.shop.errors import NotReadyError
from sidecar.demo.shop.process import ShopSettings, shop_environment
from sidecar.demo.shop.routes import search_delay_seconds
from sidecar.demo.shop.schema import PRODUCTS, SCHEMA, SOLD_OUT_SKU
from sidecar.demo.shop.service import build_application
from sidecar.demo.shop.store import open_store
from sidecar.demo.traffic import BROAD_WORDS, NARROW_WORDS


@pytest_asyncio.fixture
async def client(aiohttp_client: AiohttpClient, unused_tcp_port: int) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """Return a client of a shop whose servers do not exist."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(f"postgresql://u:p@127.0.0.1:{unused_tcp_port}/d"))
        cache = await stack.enter_async_context(open_cache(f"redis://127.0.0.1:{unused_tcp_port}"))
        yield await aiohttp_client(build_application(store, cache))


@pytest.mark.parametrize("path", ["/products", "/products/SKU-001", "/orders/1", "/search?q=lamp"])
async def test_what_needs_the_database_is_unavailable_for_now(client: TestClient, path: str) -> None:  # type: ignore[type-arg]
    response = await client.get(path)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_health_does_not_depend_on_the_servers(client: TestClient) -> None:  # type: ignore[type-arg]
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"customer": "c", "lines": []}', '{"customer": "c", "lines": [{"sku": "a", "quantity": 0}]}'],
)
async def test_what_is_no_order_is_refused_before_the_database_is_asked(client: TestClient, body: str) -> None:  # type: ignore[type-arg]
    assert (await client.post("/orders", data=body)).status == 400


async def test_an_unknown_path_is_not_an_error_of_the_shop(client: TestClient) -> None:  # type: ignore[type-arg]
    assert (await client.get("/nowhere")).status == 404


async def test_a_failed_load_is_not_hidden_by_the_cache(unused_tcp_port: int) -> None:
    async def load() -> object:
        raise NotReadyError

    async with open_cache(f"redis://127.0.0.1:{unused_tcp_port}") as cache:
        with pytest.raises(NotReadyError):
            await cache.get_or_load("key", load)


def test_searches_of_the_traffic_are_slow_or_fast_by_their_word() -> None:
    assert all(0.2 <= search_delay_seconds(word) <= 0.6 for word in BROAD_WORDS)
    assert len({search_delay_seconds(word) for word in BROAD_WORDS}) > 1
    assert not any(search_delay_seconds(word) for word in NARROW_WORDS)


def test_the_sold_out_product_is_the_last_one() -> None:
    assert f"SKU-{PRODUCTS:03}" == SOLD_OUT_SKU
    assert f"CASE n WHEN {PRODUCTS} THEN 0" in SCHEMA


def test_passwords_are_in_the_environment_and_not_in_the_settings_text() -> None:
    settings = ShopSettings(1, "postgresql://u:canary@h/d", "redis://:canary@h", "http://127.0.0.1:4318")
    assert "canary" not in repr(settings)
    assert shop_environment(settings)["DATABASE_URL"] == settings.database_url
