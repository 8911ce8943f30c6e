"""A real Prometheus scrapes the sidecar beside real servers: what it sees is what the servers say."""

import asyncio
import gzip
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import asyncpg
import pytest
import pytest_asyncio
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AnyValue
from redis.asyncio import Redis

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.servers import Prometheus, Sidecar, eventually, get_text, samples_of, tool

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{dsn: "${DATABASE_URL}"}]
redis: [{url: "${REDIS_URL}"}]
"""


@pytest.fixture(scope="module")
def sidecar(
    postgres: PostgresServer, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sidecar]:
    env = {"DATABASE_URL": postgres.dsn, "REDIS_URL": valkey.url}
    with Sidecar(tmp_path_factory.mktemp("sidecar"), CONFIG, env) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(sidecar: Sidecar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with Prometheus(tmp_path_factory.mktemp("prometheus"), [f"127.0.0.1:{sidecar.port}"]) as running:
        yield running


@pytest_asyncio.fixture
async def databases(postgres: PostgresServer) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """Connections to a database that nobody but the test commits in, and to another, to look at it from outside."""
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE DATABASE quiet")
    quiet = await asyncpg.connect(postgres.dsn_of("postgres", postgres.password, "quiet"))
    try:
        yield quiet, connection
    finally:
        await quiet.close()
        await connection.execute("DROP DATABASE quiet WITH (FORCE)")
        await connection.close()


async def test_the_target_is_up_and_every_scrape_is_accepted(prometheus: Prometheus) -> None:
    await eventually(lambda: prometheus.value('up{job="sidecar"}'), lambda up: up == 1)
    assert await prometheus.value("scrape_samples_scraped") > 500
    assert "Error on ingesting" not in prometheus.log


async def test_a_hundred_requests_sent_by_an_sdk_are_a_hundred_counted(
    sidecar: Sidecar, prometheus: Prometheus
) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "counted"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{sidecar.otlp_url}/v1/traces")))
    tracer = provider.get_tracer("test")
    attributes: dict[str, AnyValue] = {
        "http.request.method": "GET",
        "http.route": "/thing/{id}",
        "http.response.status_code": 200,
    }
    for _ in range(100):
        tracer.start_span("GET /thing/{id}", kind=SpanKind.SERVER, attributes=attributes).end()
    assert provider.force_flush()
    query = 'sum(traces_span_metrics_calls_total{service_name="counted",span_kind="SPAN_KIND_SERVER"})'
    assert await eventually(lambda: prometheus.value(query)) == 100
    by_route = 'sum(sidecar_http_server_requests_total{service="counted",route="/thing/{id}",status_class="2xx"})'
    assert await prometheus.value(by_route) == 100
    provider.shutdown()


async def test_commits_are_what_psql_says(
    databases: tuple[asyncpg.Connection, asyncpg.Connection], prometheus: Prometheus
) -> None:
    quiet, outside = databases
    for _ in range(7):
        await quiet.execute("SELECT 1")
    # A session hands its counts over when it is idle for a while; this makes it do so now.
    await quiet.execute("SELECT pg_stat_force_next_flush()")
    truth = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'quiet'"

    async def both() -> tuple[float, float]:
        seen = await prometheus.value('pg_stat_database_xact_commit{datname="quiet"}')
        return seen, await outside.fetchval(truth)

    seen, said = await eventually(both, lambda pair: pair[0] == pair[1])
    assert seen == said >= 7


async def test_connected_clients_are_what_redis_cli_says(valkey: ValkeyServer, prometheus: Prometheus) -> None:
    async with Redis.from_url(valkey.url) as client:
        expected = (await client.info("clients"))["connected_clients"]
        seen = await eventually(lambda: prometheus.value("redis_connected_clients"), lambda value: value == expected)
    assert seen == expected


def test_our_own_names_are_clean_for_promtool(sidecar: Sidecar) -> None:
    text = urlopen(f"{sidecar.url}/metrics").read().decode()
    own = "\n".join(line for line in text.splitlines() if is_ours(line)) + "\n"
    assert "sidecar_target_up" in own
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def is_ours(line: str) -> bool:
    name = line.split()[2] if line.startswith("#") else line
    return name.startswith(("sidecar_", "traces_"))


async def test_the_page_says_what_runs_and_where(sidecar: Sidecar) -> None:
    async def page() -> str:
        return (await get_text(sidecar.page_url))[1]

    text = await eventually(page, lambda html: "2 targets" in html and "0 of" in html)
    assert f"127.0.0.1:{sidecar.otlp_port}" in text
    assert "postgres" in text
    assert "redis" in text


async def test_no_password_is_on_any_page_or_in_the_log(sidecar: Sidecar, postgres: PostgresServer) -> None:
    pages = [(await get_text(url))[1] for url in (sidecar.page_url, f"{sidecar.url}/metrics")]
    assert postgres.password not in "".join([*pages, sidecar.log])


async def test_metrics_are_served_with_plain_and_compressed_bodies_alike(sidecar: Sidecar) -> None:
    async def names(encoding: str) -> set[str]:
        said, body = await asyncio.to_thread(fetch, f"{sidecar.url}/metrics", encoding)
        assert said == (encoding if encoding == "gzip" else None)
        text = gzip.decompress(body) if encoding == "gzip" else body
        return {name.partition("{")[0] for name in samples_of(text.decode())}

    async def both() -> list[set[str]]:
        return [await names("identity"), await names("gzip")]

    plain, compressed = await eventually(both, lambda found: "pg_up" in found[0] and found[0] == found[1])
    assert {"pg_up", "redis_up", "pg_stat_database_xact_commit", "redis_connected_clients"} <= plain & compressed


def fetch(url: str, encoding: str) -> tuple[str | None, bytes]:
    """Return how the answer is encoded, and its body as it came."""
    with urlopen(Request(url, headers={"Accept-Encoding": encoding})) as response:
        return response.headers["Content-Encoding"], response.read()


def test_sigterm_ends_the_process_in_good_order(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "") as running:
        assert running.stop() == 0
        assert "Traceback" not in running.log
