"""Every panel of every shipped dashboard has data on a real Prometheus that scrapes the sidecar beside the shop."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sidecar.app.shipped import shipped
from sidecar.demo.servers import PostgresServer, ValkeyServer
from sidecar.demo.shop.process import ShopProcess, ShopSettings
from sidecar.demo.traffic import Sent, run_traffic
from tests.dashboard_queries import dashboard_files, expressions, read_dashboard
from tests.servers import Prometheus, Sidecar, eventually, free_port

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{dsn: "${DATABASE_URL}"}]
redis: [{url: "${REDIS_URL}"}]
probes: {checks: [{kind: http, url: "${APP}/healthz"}]}
rules: {files: ["${RULES}/*.rules.yml"], evaluation_interval_seconds: 1}
"""
VARIABLES = {
    "job": ".+",
    "instance": ".+",
    "service": ".+",
    "__rate_interval": "20s",
    "__interval": "5s",
    "__range": "1h",
}


@pytest_asyncio.fixture
async def prometheus(postgres: PostgresServer, valkey: ValkeyServer, tmp_path: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes the sidecar of a shop with customers."""
    shop_port = free_port()
    env = {
        "DATABASE_URL": postgres.dsn,
        "REDIS_URL": valkey.url,
        "APP": f"http://127.0.0.1:{shop_port}",
        "RULES": str(shipped("alerts")),
    }
    with Sidecar(tmp_path, CONFIG, env) as sidecar, Prometheus(tmp_path, [f"127.0.0.1:{sidecar.port}"]) as running:
        shop = ShopProcess(ShopSettings(shop_port, postgres.dsn, valkey.url, sidecar.otlp_url))
        await shop.start()
        try:
            async with asyncio.TaskGroup() as group:
                traffic = group.create_task(run_traffic(shop.settings.url, 30, Sent()))
                yield running
                traffic.cancel()
        finally:
            await shop.stop()


async def test_every_panel_returns_data(prometheus: Prometheus) -> None:
    queries = [
        (path.name, title, expression)
        for path in dashboard_files()
        for title, expression in expressions(read_dashboard(path), VARIABLES)
    ]
    assert len(queries) >= 12

    async def without_data() -> list[tuple[str, str, str]]:
        return [query for query in queries if not await has_data(prometheus, query[2])]

    assert await eventually(without_data, lambda empty: not empty, 60) == []


async def has_data(prometheus: Prometheus, expression: str) -> bool:
    result = await prometheus.query(expression)
    return any(not math.isnan(float(sample["value"][1])) for sample in result)
