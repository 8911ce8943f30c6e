"""Several targets, each on a page of its own, as a real Prometheus would scrape their exporters."""

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import Metric

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.openmetrics import openmetrics_families
from tests.servers import HOST, Prometheus, Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{name: main, dsn: "${DATABASE_URL}"}]
redis: [{name: main, url: "${REDIS_URL}"}, {name: queue, url: "${REDIS_URL}"}]
"""
SILENT = """\
redis: [{name: silent, url: "redis://${SILENT}", timeout_seconds: 60}]
"""


@pytest.fixture(scope="module")
def env(postgres: PostgresServer, valkey: ValkeyServer) -> Mapping[str, str]:
    return {"DATABASE_URL": postgres.dsn, "REDIS_URL": valkey.url}


@pytest.fixture(scope="module")
def sidecar(env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    with Sidecar(tmp_path_factory.mktemp("sidecar"), CONFIG, env) as running:
        yield running


async def probe(sidecar: Sidecar, target: str) -> tuple[int, str]:
    return await get_text(f"{sidecar.url}/probe?target={target}")


async def test_page_of_a_target_is_that_of_its_exporter(sidecar: Sidecar) -> None:
    for name, up, theirs in (
        ("queue", "redis_up", "redis_"),
        ("redis/main", "redis_up", "redis_"),
        ("postgres/main", "pg_up", "pg_"),
    ):
        status, page = await probe(sidecar, name)
        samples = samples_of(page)
        assert (status, samples[up]) == (200, 1)
        assert len(samples) > 100
        assert [series for series in samples if not series.startswith((theirs, "sidecar_"))] == []
        assert 'target="' not in page


async def test_metrics_tells_apart_the_targets_of_a_kind_and_leaves_the_only_one_of_another_alone(
    sidecar: Sidecar,
) -> None:
    async def ask() -> dict[str, float]:
        return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])

    shown = await eventually(ask, lambda samples: "pg_up" in samples and 'redis_up{target="queue"}' in samples)
    assert 'redis_up{target="main"}' in shown
    assert "redis_up" not in shown


@pytest.mark.parametrize("path", ["probe", "scrape"])
async def test_page_of_a_target_is_openmetrics_for_whoever_asks(sidecar: Sidecar, path: str) -> None:
    headers = {"Accept": "application/openmetrics-text;version=1.0.0"}
    url = f"{sidecar.url}/{path}?target=queue"

    async def ask() -> dict[str, Metric]:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
            return {family.name: family for family in openmetrics_families(await response.text())}

    # A command that was called for the first time has its histogram a scrape before its sum.
    families = await eventually(ask)
    assert families["redis_up"].samples[0].labels == {}
    assert families["redis_commands_processed"].type == "counter"


async def test_refused_requests_are_counted(sidecar: Sidecar) -> None:
    async def count() -> float:
        return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])["redis_target_scrape_request_errors_total"]

    before = await count()
    assert [(await probe(sidecar, name))[0] for name in ("main", "nope", "", "queue&x=1")] == [400, 404, 400, 400]
    assert await count() == before + 4


async def test_prometheus_scrapes_targets_one_by_one(sidecar: Sidecar, tmp_path: Path) -> None:
    prometheus = Prometheus(tmp_path, [])
    jobs = "\n".join(
        f"  - {{job_name: {job}, metrics_path: /probe, params: {{target: [{target}]}}, "
        f"static_configs: [{{targets: ['{HOST}:{sidecar.port}'], labels: {{instance: {job}}}}}]}}"
        for job, target in (("shop-db", "postgres/main"), ("shop-queue", "queue"), ("shop-gone", "gone"))
    )
    (tmp_path / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{jobs}\n")
    with prometheus:
        assert await eventually(lambda: prometheus.value('redis_up{job="shop-queue"}')) == 1
        assert await eventually(lambda: prometheus.value('pg_up{job="shop-db"}')) == 1
        ups = await eventually(lambda: prometheus.query("up"), lambda found: len(found) == 3)
        assert {up["metric"]["job"]: up["value"][1] for up in ups} == {
            "shop-db": "1",
            "shop-queue": "1",
            "shop-gone": "0",
        }
        (series,) = await prometheus.query("redis_connected_clients")
        assert series["metric"] == {
            "__name__": "redis_connected_clients",
            "job": "shop-queue",
            "instance": "shop-queue",
        }
        assert "Error on ingesting" not in prometheus.log


async def test_reload_brings_and_takes_away_pages(env: Mapping[str, str], tmp_path: Path) -> None:
    with Sidecar(tmp_path, CONFIG, env) as running:
        assert (await probe(running, "queue"))[0] == 200
        running.config_path.write_text(running.config_path.read_text().replace("name: queue", "name: jobs"))
        os.kill(running.pid, signal.SIGHUP)

        async def statuses() -> list[int]:
            return [(await probe(running, name))[0] for name in ("queue", "jobs", "redis/main", "postgres/main")]

        assert await eventually(statuses, lambda codes: codes[0] == 404) == [404, 200, 200, 200]


async def test_first_scrape_that_does_not_end_is_503_before_the_scraper_gives_up(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as silent:  # the kernel takes the connection, and nobody answers
        address = f"{HOST}:{silent.getsockname()[1]}"
        with Sidecar(tmp_path, SILENT, {"SILENT": address}) as running:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": "1"}
            url = f"{running.url}/probe?target=silent"
            patience = aiohttp.ClientTimeout(1)
            async with aiohttp.ClientSession(timeout=patience) as session, session.get(url, headers=headers) as answer:
                assert answer.status == 503
                assert await answer.text() == "the first scrape of `redis/silent` has not ended yet\n"
