"""A real Alertmanager hears that a server is down and that it is back; the sidecar and its other target live on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.demo.servers import PostgresServer, Server, ValkeyServer
from tests.servers import Alertmanager, Prometheus, Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{dsn: "${DATABASE_URL}", timeout_seconds: 1}]
redis: [{url: "${REDIS_URL}", timeout_seconds: 1}]
rules:
  files: [rules.yml]
  external_labels: {cluster: test}
alertmanagers: [{url: "${ALERTMANAGER}"}]
"""
RULES = """\
groups:
  - name: down
    interval: 1s
    rules:
      - {alert: RedisDown, expr: redis_up == 0, for: 2s, annotations: {summary: "Redis of {{ $labels.job }} is down"}}
      - {alert: PostgresDown, expr: pg_up == 0, for: 2s}
"""


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


@pytest.fixture(scope="module")
def sidecar(
    postgres: PostgresServer,
    valkey: ValkeyServer,
    alertmanager: Alertmanager,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sidecar]:
    folder = tmp_path_factory.mktemp("sidecar")
    (folder / "rules.yml").write_text(RULES)
    env = {"DATABASE_URL": postgres.dsn, "REDIS_URL": valkey.url, "ALERTMANAGER": alertmanager.url}
    with Sidecar(folder, CONFIG, env) as running:
        yield running


async def metric(sidecar: Sidecar, name: str) -> float:
    return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])[name]


@pytest.mark.parametrize(
    ("fixture", "alert", "up", "other_up", "other_scrapes"),
    [
        ("valkey", "RedisDown", "redis_up", "pg_up", 'sidecar_target_scrapes_total{kind="postgres",target="postgres"}'),
        ("postgres", "PostgresDown", "pg_up", "redis_up", 'sidecar_target_scrapes_total{kind="redis",target="redis"}'),
    ],
)
async def test_a_server_that_goes_and_comes_back_is_told_to_alertmanager(
    sidecar: Sidecar, alertmanager: Alertmanager, request: pytest.FixtureRequest, fixture: str, alert: str, up: str,
    other_up: str, other_scrapes: str,
) -> None:  # fmt: skip
    server: Server = request.getfixturevalue(fixture)
    await eventually(lambda: metric(sidecar, up), lambda value: value == 1)
    assert alert not in await alertmanager.active()

    await asyncio.to_thread(server.stop)
    await eventually(lambda: metric(sidecar, up), lambda value: value == 0)
    fired = (await eventually(alertmanager.active, lambda active: alert in active, 30))[alert]
    assert fired["labels"]["cluster"] == "test"
    assert (await get_text(f"{sidecar.url}/livez"))[0] == 200
    assert await metric(sidecar, other_up) == 1
    seen = await metric(sidecar, other_scrapes)
    await eventually(lambda: metric(sidecar, other_scrapes), lambda now: now > seen)

    await asyncio.to_thread(server.start)
    await eventually(lambda: metric(sidecar, up), lambda value: value == 1)
    await eventually(alertmanager.active, lambda active: alert not in active, 30)


async def test_alerts_are_on_the_page_of_metrics_by_state(sidecar: Sidecar) -> None:
    assert await metric(sidecar, 'sidecar_alerts{state="firing"}') == 0


async def test_a_prometheus_with_the_same_rules_would_raise_the_same_labels(sidecar: Sidecar, tmp_path: Path) -> None:
    """What we evaluate carries the job and instance that a Prometheus scraping us gives."""
    with Prometheus(tmp_path, [f"127.0.0.1:{sidecar.port}"]) as prometheus:
        (sample,) = await eventually(lambda: prometheus.query("pg_up"))
    assert sample["metric"]["job"] == "sidecar"
