"""What was answered is there for whoever asks next, though spans wait for those of other requests."""

import json
from typing import Any

from sidecar.app.process import Process
from tests.unit.app.root import CONFIG, Root, get, post_otlp

NANO = 1_700_000_000_000_000_000


def text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def request(number: int) -> str:
    """Return a request that failed by an exception, and a query in it, in JSON."""
    times = {"startTimeUnixNano": str(NANO), "endTimeUnixNano": str(NANO + 10**8), "traceId": f"{number:032x}"}
    event = {"name": "exception", "attributes": [text("exception.type", "KeyError")]}
    root = {"spanId": f"{number:016x}", "name": "GET /", "kind": 2, "status": {"code": 2}, "events": [event]}
    statement = [text("db.system.name", "postgresql"), text("db.query.text", "SELECT 1 FROM orders")]
    query = {"spanId": f"{number + 999:016x}", "parentSpanId": f"{number:016x}", "name": "SELECT", "kind": 3}
    spans = [{**root, **times}, {**query, **times, "attributes": statement}]
    resource = {"attributes": [text("service.name", "shop")]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]})


async def items(process: Process, resource: str) -> list[dict[str, Any]]:
    status, body = await get(process, "local", f"/api/v1/{resource}")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["items"]
    return found


async def test_errors_and_queries_of_a_request_are_listed_as_soon_as_it_is_judged(root: Root) -> None:
    root.config.write_text(f"{CONFIG}queries: {{n_plus_one: {{grace_seconds: 0}}}}\n")
    async with root.running() as process:
        for number in range(1, 4):
            await post_otlp(process, "traces", request(number))
            (error,) = await items(process, "errors")
            (query,) = await items(process, "queries")
            assert (error["count"], query["calls"]) == (number, number)


async def test_what_was_answered_before_the_end_reaches_the_stores(root: Root) -> None:
    async with root.running() as process:
        insights = process.stores.insights
        await post_otlp(process, "traces", request(1))
    assert len(list(insights.errors.newest())) == 1
