"""Both formats of /metrics, as the real process serves them and as a real Prometheus takes them in."""

import re
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families
from typing_extensions import override

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.openmetrics import openmetrics_families
from tests.servers import HOST, Prometheus, Sidecar, eventually, samples_of, tool

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{dsn: "${DATABASE_URL}"}]
redis: [{url: "${REDIS_URL}"}]
"""
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

LIVE = re.compile(r"(python|process)_|sidecar_(?!target_)")
"""What is read at each GET, so two pages may differ in it."""


@pytest.fixture(scope="module")
def sidecar(
    postgres: PostgresServer, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sidecar]:
    env = {"DATABASE_URL": postgres.dsn, "REDIS_URL": valkey.url}
    with Sidecar(tmp_path_factory.mktemp("sidecar"), CONFIG, env) as running:
        yield running


async def page_as(sidecar: Sidecar, content_type: str) -> str:
    """Return /metrics; it must be sent as what was asked for."""
    headers = {"Accept": content_type}
    async with aiohttp.ClientSession() as session, session.get(f"{sidecar.url}/metrics", headers=headers) as response:
        assert response.headers["Content-Type"] == content_type
        return await response.text()


async def both(sidecar: Sidecar) -> tuple[str, str]:
    """Return the page of the same scrapes in both formats, each of which its parser takes."""

    async def ask() -> tuple[str, str]:
        text, openmetrics = await page_as(sidecar, TEXT), await page_as(sidecar, OPENMETRICS)
        # A command that was called for the first time has its histogram a scrape before its sum.
        assert openmetrics_families(openmetrics)
        return text, openmetrics

    def of_the_same_scrapes(pair: tuple[str, str]) -> bool:
        text, openmetrics = (settled(page) for page in pair)
        return text == openmetrics and {"pg_up", "redis_up"} <= set(text)

    return await eventually(ask, of_the_same_scrapes)


def settled(page: str) -> dict[str, float]:
    """Return the samples of what is scraped."""
    return {series: value for series, value in samples_of(page).items() if not LIVE.match(series)}


async def test_both_pages_are_read_by_the_parser_of_their_format_and_hold_the_same(sidecar: Sidecar) -> None:
    text, openmetrics = await both(sidecar)
    by_text = {metric.name: metric for metric in text_string_to_metric_families(text)}
    families = {metric.name: metric for metric in openmetrics_families(openmetrics)}
    assert sorted(by_text.keys() ^ families.keys()) == []
    assert len(families) > 100
    assert families["pg_stat_database_xact_commit"].type == "unknown"
    assert families["redis_commands_processed"].type == "counter"
    assert sum(len(metric.samples) for metric in families.values()) == len(samples_of(text))


class _Fixed(BaseHTTPRequestHandler):
    """Serves pages that never change, each under the path of its format."""

    pages: ClassVar[dict[str, tuple[str, str]]] = {}

    def do_GET(self) -> None:
        content_type, page = self.pages[self.path]
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(page.encode())

    @override
    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def fixed() -> Iterator[int]:
    server = ThreadingHTTPServer((HOST, 0), _Fixed)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    serving.join()


async def test_prometheus_has_the_same_series_and_values_by_either_format(
    sidecar: Sidecar, fixed: int, tmp_path: Path
) -> None:
    text, openmetrics = await both(sidecar)
    _Fixed.pages = {"/text": (TEXT, text), "/openmetrics": (OPENMETRICS, openmetrics)}
    prometheus = Prometheus(tmp_path, [])
    jobs = "\n".join(
        f"  - {{job_name: {name}, metrics_path: /{name}, static_configs: [{{targets: ['{HOST}:{fixed}']}}]}}"
        for name in ("text", "openmetrics")
    )
    (tmp_path / "prometheus.yml").write_text(f"global: {{scrape_interval: 1s}}\nscrape_configs:\n{jobs}\n")
    with prometheus:
        by_text = await taken_in(prometheus, "text")
        by_openmetrics = await taken_in(prometheus, "openmetrics")
        assert "Error on ingesting" not in prometheus.log
    assert len(by_text) > 500
    assert by_text.keys() == by_openmetrics.keys()
    assert {key for key in by_text if by_text[key] != by_openmetrics[key] and not LIVE.match(key)} == set()


async def taken_in(prometheus: Prometheus, job: str) -> dict[str, str]:
    """Return what Prometheus has of `job`, by name and labels, without what it adds itself."""
    query = f'{{job="{job}",__name__!~"up|scrape_.*"}}'
    found = await eventually(lambda: prometheus.query(query))
    return {
        f"{sample['metric'].pop('__name__')}{sorted((sample['metric'] | {'job': ''}).items())}": sample["value"][1]
        for sample in found
    }


async def test_promtool_finds_fault_with_the_names_of_the_exporters_only(sidecar: Sidecar, shared_data: Path) -> None:
    theirs = {
        line.partition("\t")[0]
        for kind in ("postgres", "redis")
        for line in (shared_data / f"exporters/{kind}_metrics.tsv").read_text().splitlines()
    }
    text, _ = await both(sidecar)
    faults = faults_of(text)
    assert [line for line in faults if line.partition(" ")[0] not in theirs] == []


def faults_of(page: str) -> list[str]:
    """Return what promtool says of `page`."""
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line]
