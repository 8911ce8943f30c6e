"""The edges of recorded apps are those that a reader of their code would draw."""

import re

import pytest

from tests.unit.app.root import Root, metrics_of, post_otlp
from tests.unit.frameworks.conftest import SETTLED_SECONDS, dump_of

REQUESTS, FAILED = "traces_service_graph_request_total", "traces_service_graph_request_failed_total"
DATABASE, MESSAGES, VIRTUAL = "database", "messaging_system", "virtual_node"
LABEL = re.compile(r'(client|server|connection_type)="([^"]*)"')

Edges = dict[tuple[str, str, str], float]

EDGES: dict[str, tuple[Edges, Edges]] = {
    "two_services": (
        {
            ("user", "services_app", VIRTUAL): 5,
            ("services_app", "stock", ""): 3,
            ("services_app", "services_app", ""): 1,
            ("services_app", "localhost", VIRTUAL): 2,
            ("services_app", "shop", DATABASE): 3,
            ("stock", "shop", DATABASE): 3,
            ("services_app", "redis", DATABASE): 3,
            ("stock", "redis", DATABASE): 3,
        },
        {("services_app", "stock", ""): 1, ("services_app", "localhost", VIRTUAL): 2},
    ),
    "celery_tasks": (
        {("celery_app", "celery_app", MESSAGES): 5},
        {("celery_app", "celery_app", MESSAGES): 3},
    ),
    "flask_n_plus_one": ({("user", "flask_app", VIRTUAL): 1, ("flask_app", "shop", DATABASE): 9}, {}),
    "fastapi_n_plus_one_traced_twice": (
        {("user", "fastapi_app", VIRTUAL): 1, ("fastapi_app", "shop", DATABASE): 11},
        {},
    ),
}
"""Requests and failed ones by client, server and connection."""


@pytest.mark.parametrize("name", EDGES)
async def test_the_edges_of_an_app_are_those_that_a_reader_would_draw(name: str, root: Root) -> None:
    async with root.running() as process:
        for signal, body in dump_of(name).bodies:
            await post_otlp(process, signal, body)
        await root.clock.advance(SETTLED_SECONDS)
        metrics = await metrics_of(process)
    requests, failed = EDGES[name]
    assert _edges(metrics, REQUESTS) == requests
    assert {edge: count for edge, count in _edges(metrics, FAILED).items() if count} == failed
    assert sum(count for name, count in metrics.items() if "unpaired" in name or "graph_dropped" in name) == 0


def _edges(metrics: dict[str, float], name: str) -> Edges:
    found = {sample: dict(LABEL.findall(sample)) for sample in metrics if sample.startswith(f"{name}{{")}
    return {
        (labels["client"], labels["server"], labels.get("connection_type", "")): metrics[sample]
        for sample, labels in found.items()
    }
