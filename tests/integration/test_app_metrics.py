"""A real app with prometheus_client, scraped by the sidecar and by Prometheus: both see the same series."""

import asyncio
import logging
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from pytest_aiohttp import AiohttpServer
from typing_extensions import override

from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.app.runner import AppRunner
from sidecar.collect.runner import ScrapeContext, Target
from sidecar.model.sample import SampleBatch
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.events import Events
from sidecar.runtime.meter import Meter
from tests.integration.topologies.tls import Authority
from tests.servers import HOST, Program, Prometheus, Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

APP = """
import sys, time
from prometheus_client import Counter, Enum, Gauge, Histogram, Info, Summary, start_http_server
Counter("orders", "Orders.", ["status"]).labels("paid").inc(3)
Gauge("queue_length", "Jobs.", ["job", "instance"]).labels("mail", "a").set(-0.5)
histogram = Histogram("order_seconds", "Time.", ["path"], buckets=(0.1, 1, 2.5))
histogram.labels('/a"b').observe(0.3, {"trace_id": "abc"})
Summary("payload_bytes", "Size.").observe(7)
Info("build", "Build.").info({"version": "1.2"})
Enum("worker_state", "State.", states=["up", "down"]).state("down")
start_http_server(int(sys.argv[1]), "127.0.0.1")
time.sleep(3600)
"""
CONFIG = """\
scrape_interval_seconds: 0.5
app_metrics:
  - {name: shop, url: "${APP_URL}", merge: true}
"""


class App(Program):
    """An app that shows metrics of every kind, those of its process among them."""

    name = "app"

    @override
    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", APP, str(self.port)]

    @override
    def ready_url(self) -> str:
        return f"{self.url}/metrics"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App(tmp_path) as running:
        yield running


@pytest.fixture
def sidecar(app: App, tmp_path: Path) -> Iterator[Sidecar]:
    with Sidecar(tmp_path, CONFIG, {"APP_URL": f"{app.url}/metrics"}) as running:
        yield running


async def shown(sidecar: Sidecar) -> dict[str, float]:
    _, text = await get_text(f"{sidecar.url}/metrics")
    samples = samples_of(text)
    assert "queue_length" in text
    return samples


async def test_prometheus_sees_the_same_series_through_the_sidecar(app: App, sidecar: Sidecar, tmp_path: Path) -> None:
    of_app, of_sidecar = f"{HOST}:{app.port}", f"{HOST}:{sidecar.port}"
    await eventually(lambda: shown(sidecar))
    with Prometheus(tmp_path, [of_app, of_sidecar]) as prometheus:

        async def seen(instance: str) -> dict[tuple[tuple[str, str], ...], str]:
            found = {}
            for sample in await prometheus.query(f'{{instance="{instance}"}}'):
                labels = sample["metric"]
                if labels["__name__"] != "up" and not labels["__name__"].startswith("scrape_"):
                    del labels["instance"]
                    found[tuple(sorted(labels.items()))] = sample["value"][1]
            return found

        direct = await eventually(lambda: seen(of_app))
        through = await eventually(lambda: seen(of_sidecar))
        assert "Error on ingesting" not in prometheus.log
    of_process = {series for series in direct if dict(series)["__name__"].startswith(("process_", "python_"))}
    own = direct.keys() - of_process
    assert {series: through.get(series) for series in own} == {series: direct[series] for series in own}
    assert (len(own), len(of_process) > 8) == (16, True)
    assert any({("exported_job", "mail"), ("exported_instance", "a")} <= set(series) for series in own)
    for series in of_process:
        assert tuple(sorted((*series, ("target", "shop")))) in through
    types = [line for line in (await get_text(f"{sidecar.url}/metrics"))[1].splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


async def test_own_page_is_what_the_app_shows(app: App, sidecar: Sidecar) -> None:
    status, text = await get_text(f"{sidecar.url}/probe?target=shop")
    assert status == 200
    direct = samples_of((await get_text(f"{app.url}/metrics"))[1])
    assert samples_of(text).keys() == direct.keys()


async def test_restarted_app_is_gone_from_metrics_meanwhile(app: App, sidecar: Sidecar) -> None:
    up = 'sidecar_target_up{kind="app",target="shop"}'

    async def state() -> tuple[float | None, bool]:
        samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
        return samples.get(up), 'orders_total{status="paid"}' in samples

    await eventually(state, lambda told: told == (1, True))
    await asyncio.to_thread(app.stop)
    await eventually(state, lambda told: told == (0, False))
    await asyncio.to_thread(app.start)
    await eventually(state, lambda told: told == (1, True))
    assert sidecar.log.count("Target `app/shop` is down: ") == 1
    assert sidecar.log.count("Target `app/shop` is up.") == 1


@pytest.fixture
async def secure_url(aiohttp_server: AiohttpServer, authority: Authority) -> str:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="a 1\n")

    app = web.Application()
    app.router.add_get("/metrics", page)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.server, authority.server_key)
    server = await aiohttp_server(app, ssl=context)
    return f"https://{HOST}:{server.port}/metrics"


@pytest.fixture
def scrape() -> Callable[..., Awaitable[SampleBatch]]:
    class Kept:
        async def publish(self, batch: SampleBatch, /) -> None:
            self.batch = batch

    async def once(url: str, **settings: Any) -> SampleBatch:
        kept, clock, meter = Kept(), SystemClock(), Meter(CollectorRegistry())
        context = ScrapeContext(kept, clock, Events(logging.getLogger("sidecar"), meter, clock), meter)
        config = AppMetricsConfig.model_validate({"url": url, **settings})
        runner = AppRunner(config, Target("main", 1.0, ()), context)
        await runner._scrape_once()
        runner._drop_connection()
        await asyncio.sleep(0)
        return kept.batch

    return once


async def test_certificate_is_checked_as_configured(
    scrape: Any, secure_url: str, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await scrape(secure_url, ca_file=str(authority.ca))).up is True
    assert (await scrape(secure_url, insecure_skip_verify=True)).up is True
    assert (await scrape(secure_url)).up is False
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert (await scrape(secure_url, ca_file=str(authority.server_key))).up is False
    assert f"cannot use `{authority.server_key}`" in caplog.text
