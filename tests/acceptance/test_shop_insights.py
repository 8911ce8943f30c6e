"""What the sidecar finds out about the demonstration's shop from its spans alone, as its API says it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sidecar.demo.servers import PostgresServer, ValkeyServer
from sidecar.demo.shop.process import ShopProcess, ShopSettings
from sidecar.demo.traffic import Sent, run_traffic
from tests.servers import Sidecar, eventually, free_port, get_json, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = """
scrape_interval_seconds: 0.5
traces: {decide_after_seconds: 0.2, sample_ratio: 1}
queries: {n_plus_one: {grace_seconds: 1}}
"""
ORDERS = range(1, 21)
N_PLUS_ONE = "SELECT p.name, p.price_cents FROM product p, pg_sleep(?) WHERE p.sku = ?"


@pytest_asyncio.fixture
async def sidecar(postgres: PostgresServer, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Sidecar]:
    """A sidecar that was told of all requests of a shop that is gone by now."""
    with Sidecar(tmp_path, CONFIG) as running:
        shop = ShopProcess(ShopSettings(free_port(), postgres.dsn, valkey.url, running.otlp_url))
        await shop.start()
        try:
            await _visit(shop.settings.url)
        finally:
            await shop.stop()  # sends what is left
        yield running


async def _visit(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:

        async def status(path: str) -> int:
            async with session.get(path) as response:
                return response.status

        await eventually(lambda: status("/products"), lambda answer: answer == 200)
        for number in ORDERS:
            assert await status(f"/orders/{number}") == 200
    await run_traffic(url, 30, Sent(), limit=100)


async def _all(sidecar: Sidecar, noun: str, **parameters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await get_json(f"{sidecar.page_url}api/v1/{noun}", **parameters))["items"]
    return found


async def _at(sidecar: Sidecar, path: str) -> Any:
    return await get_json(f"{sidecar.page_url.rstrip('/')}{path}")


async def test_the_shop_is_seen_through(sidecar: Sidecar) -> None:
    (finding,) = await eventually(lambda: _all(sidecar, "query-findings"))
    await _the_query_per_line_of_an_order_is_told(sidecar, finding)
    await _both_kinds_of_failed_orders_are_groups(sidecar)
    await _the_slow_search_is_marked(sidecar)


async def _the_query_per_line_of_an_order_is_told(sidecar: Sidecar, finding: dict[str, Any]) -> None:
    assert (finding["kind"], finding["service"], finding["route"]) == ("n_plus_one", "shop", "GET /orders/{id}")
    assert (finding["caller"], finding["statement"]) == ("GET /orders/{id}", N_PLUS_ONE)
    assert 5 <= finding["calls"] <= finding["most_calls"]
    assert finding["seconds"] >= 0.05

    async def counted() -> tuple[float, float]:
        shown = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
        count = shown.get('sidecar_nplusone_total{route="GET /orders/{id}",service="shop"}', 0)
        return count, (await _all(sidecar, "query-findings"))[0]["traces"]

    assert await eventually(counted, lambda counts: counts[0] == counts[1] >= 10)
    assert len(await _all(sidecar, "query-findings")) == 1
    tree = await _at(sidecar, f"{finding['trace']}/tree")
    names = [(span["operationName"], span["depth"]) for span in tree["spans"]]
    assert names[0] == ("GET /orders/{id}", 0)
    assert len(names) >= 2 + finding["calls"]


async def _both_kinds_of_failed_orders_are_groups(sidecar: Sidecar) -> None:
    errors = {error["type"].rpartition(".")[2]: error for error in await _all(sidecar, "errors", state="new")}
    errors.pop("NotReadyError", None)  # of the first request, where the shop had no tables yet
    assert errors.keys() == {"OutOfStockError", "PaymentDeclinedError"}
    for error in errors.values():
        assert (error["service"], error["frames"][0]) == ("shop", "shop/store.py place_order")
        assert [release["release"] for release in error["releases"]] == ["1.0.0"]
        assert error["count"] == sum(error["trend"])
        trace = await _at(sidecar, error["examples"][0]["trace"])
        assert (trace["method"], trace["route"], trace["status"]) == ("POST", "/orders", "error")


async def _the_slow_search_is_marked(sidecar: Sidecar) -> None:
    async def found() -> list[dict[str, Any]]:
        return [query for query in await _all(sidecar, "queries") if query["statement"] == "SELECT pg_sleep(?)"]

    (search,) = await eventually(found)
    assert search["severity"] in ("slow", "warning")
    assert search["longest_seconds"] >= 0.2
    assert (await _at(sidecar, search["slow_trace"]))["route"] == "/search"
    assert [each["route"] for each in search["routes"]] == ["GET /search"]
