"""What real apps exported, and what the stores of a sidecar and a whole one make of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import lay_foundation
from sidecar.app.process import Process
from sidecar.app.stores import Stores
from sidecar.codec.otlp.json.conversion import protobuf_of
from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.logs import LogBatches
from sidecar.model.family import Sample
from sidecar.model.steps import finished
from sidecar.spans.endpoints import DB_CALLS, RATE
from sidecar.spans.queries.findings import Kind
from sidecar.spans.window.window import WAIT_SECONDS
from tests.conftest import ROOT
from tests.fakes import FakeClock
from tests.unit.app.root import Root, metrics_of, post_otlp
from tests.unit.spans.pipelines import ERRORS, shown

DUMPS = ROOT / "tests/frameworks"
SETTLED_SECONDS = WAIT_SECONDS + 30.0
"""After so long every trace has been judged, those too whose local root never came, and every interval is over."""
CONFIG = """
pod: {listen: "127.0.0.1:0"}
api: {listen: "127.0.0.1:0"}
otlp: {http: {listen: "127.0.0.1:0"}, grpc: {listen: null}}
queries: {n_plus_one: {min_seconds: 0}}  # the servers of the recordings answer within a millisecond
"""


class Dump(NamedTuple):
    """What an app did, and what its SDK said of that: names of signals and bodies."""

    truth: dict[str, Any]
    bodies: Sequence[tuple[str, str]]


def dump_of(name: str) -> Dump:
    """Return a recording."""
    recorded = json.loads((DUMPS / f"{name}.json").read_text())
    return Dump(recorded["truth"], [(sent["signal"], json.dumps(sent["body"])) for sent in recorded["bodies"]])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    """Return what a sidecar is made of; it listens, and looks at no database."""
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    root = Root(tmp_path)
    root.config.write_text(CONFIG)
    return root


def seen_of(dump: Dump) -> dict[str, Any]:
    """Return what the stores of a sidecar say of a dump, in the terms of its truth."""
    clock = FakeClock()
    config = SidecarConfig.model_validate({"queries": {"n_plus_one": {"min_seconds": 0}}})
    stores = Stores(config, lay_foundation(config, clock))
    for signal, body in dump.bodies:
        if signal == "traces":
            for spans in finished(JsonTraces().read(body.encode(), clock.now())):
                stores.spans.current.accept(spans)
        else:
            for records in LogBatches(protobuf_of("logs", body.encode()), clock.now()):
                stores.logs.current.accept(records)
    settled_at = clock.now() + SETTLED_SECONDS
    finished(stores.insights.catch_up(settled_at))
    samples = [sample for family in shown(stores.spans.current, settled_at) for sample in family.samples]
    queries = [*stores.insights.queries.statistics.all()]
    findings = stores.insights.queries.findings.newest()
    return {
        "errors": sum(sample.value for sample in samples if sample.name == ERRORS),
        "groups": len([*stores.insights.errors.newest()]),
        "statements": len(queries),
        "calls": sum(query.calls for query in queries),
        "calls_per_request": _calls_per_request(samples),
        "n_plus_one": sorted(found.calls for found in findings if found.kind is Kind.N_PLUS_ONE),
    }


def _calls_per_request(samples: Sequence[Sample]) -> dict[str, float | None]:
    calls = {sample.labels: sample.value for sample in samples if sample.name == DB_CALLS.name}
    endpoints = [sample.labels for sample in samples if sample.name == RATE.name]
    return {
        f"{of.get('method', '')} {of['route']}".strip(): calls.get(labels)
        for labels in endpoints
        for of in [dict(labels)]
    }


async def seen_through_the_api(dump: Dump, root: Root) -> dict[str, Any]:
    """Return the same of a whole sidecar that is sent the dump, as its API tells it."""
    async with root.running() as process:
        for signal, body in dump.bodies:
            await post_otlp(process, signal, body)
        await root.clock.advance(SETTLED_SECONDS)
        metrics = await metrics_of(process)
        groups, queries = await items_of(process, "errors"), await items_of(process, "queries")
        findings, endpoints = await items_of(process, "query-findings"), await items_of(process, "endpoints")
    return {
        "errors": sum(value for name, value in metrics.items() if name.startswith("sidecar_errors_total{")),
        "groups": len(groups),
        "statements": len(queries),
        "calls": sum(query["calls"] for query in queries),
        "calls_per_request": {
            f"{endpoint['method']} {endpoint['route']}".strip(): endpoint["db_calls_per_request"]
            for endpoint in endpoints
        },
        "n_plus_one": sorted(found["calls"] for found in findings if found["kind"] == "n_plus_one"),
    }


async def items_of(process: Process, resource: str) -> list[Any]:
    """Return a whole list of the API."""
    url = f"http://{process.addresses['local']}/api/v1/{resource}"
    async with aiohttp.ClientSession() as session, session.get(url, params={"limit": "500"}) as response:
        assert response.status == 200
        items: list[Any] = (await response.json())["items"]
    return items
