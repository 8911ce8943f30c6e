"""The JSON API of a real sidecar that received real spans: what it shows, and that its document tells the truth."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context

from tests.servers import Sidecar, eventually, get_json

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

CONFIG = """
scrape_interval_seconds: 0.5
traces: {decide_after_seconds: 0.2, sample_ratio: 1}
queries: {n_plus_one: {grace_seconds: 0.2}}
"""
ROUTES = {"/orders/{id}": 3, "/cart": 2, "/checkout": 1}
QUERIES = {"/orders/{id}": [0.01], "/cart": [0.02] * 6, "/checkout": [1.2]}
"""How long each query of a request takes, one after the other."""
SECOND = 10**9


def send_requests(url: str) -> None:
    """Send one trace for each request; those to /checkout fail."""
    resource = Resource.create({"service.name": "shop", "service.version": "1.2"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
    tracer = provider.get_tracer("test")
    for route, count in ROUTES.items():
        for number in range(count):
            _send_request(tracer, route, number)
    provider.shutdown()


def _send_request(tracer: Tracer, route: str, number: int) -> None:
    moment = started = time.time_ns() - 2 * SECOND
    attributes = {"http.request.method": "GET", "http.route": route, "customer": f"c{number}"}
    span = tracer.start_span(f"GET {route}", kind=SpanKind.SERVER, attributes=attributes, start_time=started)
    for seconds in QUERIES[route]:
        query = {"db.system.name": "postgresql", "db.query.text": f"SELECT * FROM t WHERE path = '{route}'"}
        context = set_span_in_context(span)
        call = tracer.start_span("SELECT", context, SpanKind.CLIENT, query, start_time=moment)
        moment += round(seconds * SECOND)
        call.end(moment)
    span.set_attribute("http.response.status_code", 200)
    if route == "/checkout":
        span.record_exception(RuntimeError("no card 4711 of bob@example.com"), timestamp=moment)
        span.set_status(Status(StatusCode.ERROR))
    span.end(moment)


@pytest.fixture(scope="module")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    """A sidecar that has decided on the traces of six requests."""
    with Sidecar(tmp_path_factory.mktemp("sidecar"), CONFIG, {"ADMIN": "true"}) as sidecar:
        send_requests(sidecar.otlp_url)

        async def counts() -> list[int]:
            nouns = ("traces", "endpoints", "errors", "queries", "query-findings")
            return [len((await _get(sidecar, noun))["items"]) for noun in nouns]

        async def calls() -> list[float | None]:
            return [item["db_calls_per_request"] for item in (await _get(sidecar, "endpoints", sort="rate"))["items"]]

        asyncio.run(eventually(counts, lambda found: found == [6, 3, 1, 1, 1]))
        asyncio.run(eventually(calls, lambda found: found == [1, 6, 1]))
        yield sidecar


async def _get(sidecar: Sidecar, path: str, **parameters: str) -> Any:
    return await get_json(f"{sidecar.page_url}api/v1/{path}", **parameters)


async def test_endpoints_are_shown_with_their_rates_and_percentiles(sidecar: Sidecar) -> None:
    items = (await _get(sidecar, "endpoints", sort="rate"))["items"]
    assert [item["route"] for item in items] == list(ROUTES)
    assert [item["error_ratio"] for item in items] == [0, 0, 1]
    assert {(item["service"], item["method"]) for item in items} == {("shop", "GET")}
    assert [item["db_calls_per_request"] for item in items] == [1, 6, 1]
    assert [each["window"] for each in items[0]["latency"]] == ["1m", "5m", "1h", "24h"]
    assert await _get(sidecar, f"endpoints/{items[0]['id']}", fields="route") == {
        "id": items[0]["id"],
        "route": "/orders/{id}",
    }
    assert (await _get(sidecar, "endpoints", sort="errors", limit="1"))["items"][0]["route"] == "/checkout"
    assert (await _get(sidecar, "endpoints", service="none"))["items"] == []


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"status": "error"}, 1),
        ({"route": "/cart"}, 2),
        ({"service": "shop", "status": "ok"}, 5),
        ({"attribute": "customer=c2"}, 1),
        ({"min_duration_seconds": "60"}, 0),
        ({"until": "2001-01-01T00:00:00Z"}, 0),
        ({"since": "1000000000"}, 6),
    ],
)
async def test_traces_are_found_by_what_they_are_about(
    sidecar: Sidecar, parameters: dict[str, str], count: int
) -> None:
    assert len((await _get(sidecar, "traces", **parameters))["items"]) == count


async def test_a_trace_is_shown_as_a_tree_and_as_otlp(sidecar: Sidecar) -> None:
    (trace,) = (await _get(sidecar, "traces", status="error"))["items"]
    assert (trace["service"], trace["route"], trace["spans"], trace["reason"]) == ("shop", "/checkout", 2, "error")
    tree = await _get(sidecar, f"traces/{trace['id']}/tree")
    assert [(span["operationName"], span["depth"]) for span in tree["spans"]] == [("GET /checkout", 0), ("SELECT", 1)]
    otlp = await _get(sidecar, f"traces/{trace['id']}/otlp")
    spans = [span for group in otlp["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]
    assert {span["traceId"] for span in spans} == {trace["id"]}


async def test_errors_are_shown_in_groups_with_their_trace(sidecar: Sidecar) -> None:
    (trace,) = (await _get(sidecar, "traces", status="error"))["items"]
    (error,) = (await _get(sidecar, "errors", service="shop", state="open"))["items"]
    assert (error["type"], error["state"], error["count"]) == ("RuntimeError", "new", 1)
    assert error["message"] == "no card 4711 of ***"
    assert [release["release"] for release in error["releases"]] == ["1.2"]
    assert error["trend"] == [0] * 23 + [1] or error["trend"] == [0] * 22 + [1, 0]
    assert [example["trace"] for example in error["examples"]] == [f"/api/v1/traces/{trace['id']}"]
    found = await get_json(f"{sidecar.page_url.rstrip('/')}{error['traces']}")
    assert [item["id"] for item in found["items"]] == [trace["id"]]
    assert trace["error_groups"] == [error["id"]]
    assert (await _get(sidecar, "errors", state="resolved"))["items"] == []


async def test_queries_are_shown_with_how_long_they_took(sidecar: Sidecar) -> None:
    (query,) = (await _get(sidecar, "queries", severity="warning"))["items"]
    assert (query["statement"], query["calls"], query["errors"]) == ("SELECT * FROM t WHERE path = ?", 16, 0)
    assert query["total_seconds"] == pytest.approx(0.03 + 0.24 + 1.2)
    assert query["slow"] == {"slow": 0, "warning": 1, "critical": 0}
    assert {each["route"]: each["calls"] for each in query["routes"]} == {
        f"GET {route}": count * len(QUERIES[route]) for route, count in ROUTES.items()
    }
    assert (await get_json(f"{sidecar.page_url.rstrip('/')}{query['slow_trace']}"))["route"] == "/checkout"
    histogram = await _get(sidecar, f"queries/{query['id']}/histogram")
    assert [bucket["calls"] for bucket in histogram["buckets"]] == [3, 12, 1]


async def test_a_query_per_row_is_found_with_its_trace(sidecar: Sidecar) -> None:
    (found,) = (await _get(sidecar, "query-findings", kind="n_plus_one"))["items"]
    assert (found["route"], found["traces"], found["calls"], found["caller"]) == ("GET /cart", 2, 6, "GET /cart")
    assert found["seconds"] == pytest.approx(0.12)
    assert (await _get(sidecar, f"queries/{found['query']}", fields="statement"))["statement"] == found["statement"]
    assert (await get_json(f"{sidecar.page_url.rstrip('/')}{found['trace']}"))["route"] == "/cart"


async def test_the_answers_are_what_the_document_says(sidecar: Sidecar, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("schemathesis")
    options = [
        "--checks=all",
        # No schema says which cursors and which fields there are.
        "--exclude-checks=positive_data_acceptance",
        "--phases=examples,coverage,fuzzing",
        "--max-examples=40",
        "--generation-deterministic",
        "--warnings=off",
        "--no-color",
    ]
    url = f"{sidecar.page_url}api/v1/openapi.json"
    run = await asyncio.create_subprocess_exec(command, "run", url, *options, stdout=PIPE, stderr=STDOUT, cwd=tmp_path)
    output, _ = await run.communicate()
    assert run.returncode == 0, "\n".join(line[:400] for line in output.decode().splitlines())
