"""Errors, queries and repeated queries over the API: as in the golden files, filtered, sorted, resolved.

`SIDECAR_WRITE_GOLDEN=1` writes the golden files anew.
"""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sidecar.api.config import ApiConfig
from sidecar.api.json.context import ResourceContext
from sidecar.api.local import LocalContent, local_app
from sidecar.api.page.overview import Overview
from sidecar.app.registry import RESOURCES, SPAN_STAGES
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.rules.history import AlertHistory
from sidecar.rules.mutes.mutes import Mutes
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.store import TraceStore
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from sidecar.tsdb.latest import LatestValues
from tests.conftest import ROOT
from tests.fakes import FakeClock, nothing_is_on_its_way
from tests.unit.spans.conftest import batch_of, span_of
from tests.unit.spans.queries.conftest import query_of, root_of, trace_id

__all__ = ["batch_of", "query_of", "root_of", "span_of"]

Client: TypeAlias = TestClient[Any, Any]
GOLDEN = ROOT / "tests/golden/api"
JSON = {"Content-Type": "application/json"}
STACK = 'Traceback (most recent call last):\n  File "/a/shop/x.py", line 3, in f\n    f()\nKeyError: 4711\n'
PAUSE = 10.0


class World:
    """What is known of the traces that were fed, and a client of its API."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        redactor = Redactor(RedactConfig())
        self.traces = TraceStore(TracesConfig(sample_ratio=1), redactor)
        self.insights = Insights(None, redactor, self.traces.link_error_group)
        self.pipeline = pipeline_of(SpansConfig(), self.insights, SPAN_STAGES, (self.traces,))
        self.alerts = AlertHistory()
        self.mutes = Mutes()
        self.client: Client

    async def serve(self, make: Callable[[web.Application], Awaitable[Client]]) -> None:
        values = LatestValues(Head(HeadConfig()), self.clock.now)
        context = ResourceContext(
            values, self.insights, self.traces, self.alerts, self.mutes, self.clock, self.clock.now
        )
        shown = [resource(context) for resource in RESOURCES]
        content = LocalContent(lambda: Overview("", "", ()), shown, lambda error: None, nothing_is_on_its_way)
        self.client = await make(local_app(content, ApiConfig(admin=True)))

    def receive(self, batch: Callable[..., Any], *spans: Any, **more: Any) -> None:
        self.pipeline.accept(batch(*spans, now=self.clock.now(), **more))
        self.clock.pass_by(PAUSE)
        self.pipeline.accept(batch(now=self.clock.now()))
        finished(self.traces.advance(self.clock.now()))

    async def get(self, path: str) -> Any:
        async with self.client.get(path if path.startswith("/") else f"/api/v1/{path}") as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def ids(self, path: str) -> list[str]:
        return [item["id"] for item in (await self.get(path))["items"]]

    async def post(self, path: str, status: int = 200) -> Any:
        async with self.client.post(f"/api/v1/{path}", headers=JSON) as response:
            assert response.status == status
            return await response.json()


@pytest.fixture
async def world(
    aiohttp_client: Callable[[web.Application], Awaitable[Client]], query_of: Any, root_of: Any, batch_of: Any
) -> World:
    """Three requests: a query per row; a failure with a slow query; the same failure in a later release."""
    world = World()
    rows = [query_of(at=0.02 * number, number=number + 1) for number in range(6)]
    world.receive(batch_of, root_of(), *rows)
    for number, release in ((1, "1.0"), (2, "1.1")):
        error = {"exception.type": "KeyError", "exception.message": str(4710 + number), "exception.stacktrace": STACK}
        ids = {"trace_id": trace_id(number)}
        failed = root_of("/checkout", status=2, events=[("exception", error)], seconds=3.0, **ids)
        slow = query_of("SELECT * FROM cart WHERE id = 4711", seconds=2.5, number=1, **ids)
        world.receive(batch_of, failed, slow, version=release, language="python")
    other = {"exception.type": "TimeoutError", "exception.message": "no answer from 10.0.0.1:5432"}
    failed = root_of("/cart", status=2, events=[("exception", other)], trace_id=trace_id(3))
    world.receive(batch_of, failed, service="basket")
    await world.serve(aiohttp_client)
    return world


@pytest.mark.parametrize("noun", ["errors", "queries", "query-findings"])
async def test_a_list_is_as_in_the_golden_file(noun: str, world: World) -> None:
    assert_golden(noun, await world.get(noun))


async def test_a_histogram_is_as_in_the_golden_file(world: World) -> None:
    (slow,) = await world.ids("queries?severity=critical")
    assert_golden("histogram", await world.get(f"queries/{slow}/histogram"))


def assert_golden(name: str, answer: Mapping[str, Any]) -> None:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("SIDECAR_WRITE_GOLDEN"):
        path.write_text(json.dumps(answer, indent=2) + "\n")
    assert answer == json.loads(path.read_text())


async def test_the_paths_in_the_answers_lead_to_what_they_say(world: World) -> None:
    for error in (await world.get("errors"))["items"]:
        for example in error["examples"]:
            assert (await world.get(example["trace"]))["id"] == example["trace_id"]
        found = await world.get(error["traces"])
        assert {item["id"] for item in found["items"]} >= {example["trace_id"] for example in error["examples"]}
        assert all(error["id"] in item["error_groups"] for item in found["items"])
    (finding,) = (await world.get("query-findings"))["items"]
    assert (await world.get(finding["trace"]))["id"] == finding["trace_id"]
    query = await world.get(f"queries/{finding['query']}")
    assert (query["statement"], query["slow_trace"]) == (finding["statement"], None)
    (slow,) = (await world.get("queries?severity=critical"))["items"]
    assert (await world.get(slow["slow_trace"]))["id"] == slow["slow_trace_id"]


async def test_a_trace_that_is_gone_has_no_path(world: World) -> None:
    world.traces.configure(TracesConfig(max_traces=1))
    paths = [each["trace"] for error in (await world.get("errors"))["items"] for each in error["examples"]]
    assert len([path for path in paths if path]) == 1
    assert (await world.get("query-findings"))["items"][0]["trace"] is None


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ("service=basket", 1),
        ("type=KeyError", 1),
        ("service=basket&type=KeyError", 0),
        ("state=new", 2),
        ("state=open", 2),
        ("state=ongoing", 0),
        ("state=resolved", 0),
    ],
)
async def test_errors_are_found_by_what_they_are(filters: str, count: int, world: World) -> None:
    assert len(await world.ids(f"errors?{filters}")) == count


async def test_errors_come_with_that_seen_last_first_unless_asked_otherwise(world: World) -> None:
    (key_error,) = await world.ids("errors?type=KeyError")
    (timeout,) = await world.ids("errors?type=TimeoutError")
    assert await world.ids("errors") == await world.ids("errors?sort=first_seen") == [timeout, key_error]
    assert await world.ids("errors?sort=count") == [key_error, timeout]
    page = await world.get("errors?limit=1&fields=type")
    assert page["items"] == [{"id": timeout, "type": "TimeoutError"}]
    assert await world.ids(page["next"]) == [key_error]


async def test_an_error_is_resolved_ignored_and_reopened(world: World) -> None:
    (ident,) = await world.ids("errors?type=KeyError")
    for action, state in (("resolve", "resolved"), ("ignore", "ignored"), ("reopen", "new")):
        assert (await world.post(f"errors/{ident}/{action}"))["state"] == state
        assert await world.ids(f"errors?state={state}&type=KeyError") == [ident]
        assert (ident in await world.ids("errors?state=open")) == (action == "reopen")
        await world.post(f"errors/none/{action}", 404)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ("queries?service=shop", 2),
        ("queries?service=basket", 0),
        ("queries?system=postgresql", 2),
        ("queries?system=redis", 0),
        ("queries?severity=warning", 0),
        ("query-findings?kind=n_plus_one", 1),
        ("query-findings?kind=fan_out", 0),
        ("query-findings?service=shop&route=GET /orders/{id}", 1),
        ("query-findings?route=/orders/{id}", 0),
        ("query-findings?query=none", 0),
    ],
)
async def test_queries_and_findings_are_found_by_what_they_are(filters: str, count: int, world: World) -> None:
    assert len(await world.ids(filters)) == count


@pytest.mark.parametrize(
    ("sort", "first"),
    [("total_seconds", "cart"), ("mean_seconds", "cart"), ("longest_seconds", "cart"), ("calls", "product")],
)
async def test_queries_are_sorted_by_what_was_asked(sort: str, first: str, world: World) -> None:
    items = (await world.get(f"queries?sort={sort}&fields={sort},statement"))["items"]
    assert f"FROM {first} " in items[0]["statement"]
    assert [item[sort] for item in items] == sorted((item[sort] for item in items), reverse=True)


async def test_a_query_that_left_meanwhile_is_not_there(world: World) -> None:
    async with world.client.get("/api/v1/queries/none/histogram") as response:
        assert response.status == 404
