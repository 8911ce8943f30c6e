"""The service graph beyond what workloads show: waiting, limits, names of nodes, exemplars."""

from typing import Any

import pytest

from sidecar.codec.otlp.traces import SpanBatches
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.service_graph import halves
from tests.unit.spans.pipelines import pipeline, shown
from tests.workloads.building import Maker, of_service
from tests.workloads.posts import Made, Service, post

SHOP, STOCK = Service("shop"), Service("stock")
REQUESTS = "traces_service_graph_request_total"
DROPPED = "traces_service_graph_dropped_spans_total"


@pytest.fixture
def make() -> Maker:
    return Maker(3)


def send(subject: Pipeline, spans: list[Made], now: float) -> None:
    for batch in SpanBatches(post(0.0, spans).protobuf(), now):
        subject.accept(batch)


def counts_of(subject: Pipeline, name: str, now: float) -> dict[tuple[str, str, str], float]:
    """Return the samples called `name` by client, server and connection, those of overflow series by that."""
    of_labels = [
        (dict(sample.labels), sample.value)
        for family in shown(subject, now)
        for sample in family.samples
        if sample.name == name
    ]
    return {
        (
            of.get("client", ""),
            of.get("server", of.get("otel_metric_overflow", "")),
            of.get("connection_type", ""),
        ): value
        for of, value in of_labels
    }


def test_a_server_waits_for_the_client_whose_request_takes_long(make: Maker) -> None:
    subject, trace = pipeline(), make.trace()
    call = make.call(trace, b"", code=200, host="stock:8080")
    send(subject, of_service(STOCK, [make.server(trace, call, code=200)]), make.now)
    assert counts_of(subject, REQUESTS, make.now + 20) == {}
    send(subject, of_service(SHOP, [call]), make.now + 40)
    assert counts_of(subject, REQUESTS, make.now + 50) == {("shop", "stock", ""): 1.0}
    assert counts_of(subject, REQUESTS, make.now + 200) == {("shop", "stock", ""): 1.0}


def test_all_servers_that_wait_for_one_client_find_it_and_a_later_one_too(make: Maker) -> None:
    subject, trace = pipeline(), make.trace()
    call = make.call(trace, b"", code=200, host="stock:8080")
    served = [make.server(trace, call, code=200) for _ in range(3)]
    for number, one in enumerate(served[:2]):
        send(subject, of_service(STOCK, [one]), make.now + 10 * number)
        assert counts_of(subject, REQUESTS, make.now + 10 * number + 8) == {}
    send(subject, of_service(SHOP, [call]), make.now + 30)
    assert counts_of(subject, REQUESTS, make.now + 38) == {("shop", "stock", ""): 2.0}
    send(subject, of_service(STOCK, served[2:]), make.now + 39)
    shown(subject, make.now + 45)
    assert counts_of(subject, REQUESTS, make.now + 200) == {("shop", "stock", ""): 3.0}


def test_a_call_that_nobody_answers_is_an_edge_to_its_host_after_the_wait(make: Maker) -> None:
    subject = pipeline(service_graph={"wait_seconds": 20})
    send(subject, of_service(SHOP, [make.call(make.trace(), b"", host="pay.example:443")]), make.now)
    assert counts_of(subject, REQUESTS, make.now + 6) == {}
    assert counts_of(subject, REQUESTS, make.now + 27) == {("shop", "pay.example", "virtual_node"): 1.0}


def test_without_room_the_oldest_wait_no_longer(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "MOST", 10)
    subject = pipeline()
    calls = [make.call(make.trace(), b"", host="pay") for _ in range(12)]
    served = [make.server(make.trace(), make.random.randbytes(8)) for _ in range(13)]
    send(subject, of_service(SHOP, [*calls, *served]), make.now)
    assert counts_of(subject, REQUESTS, make.now + 6) == {("shop", "pay", "virtual_node"): 2.0}
    assert counts_of(subject, DROPPED, make.now + 6) == {("", "shop", ""): 3.0}


def test_a_call_that_comes_twice_is_one_request(make: Maker) -> None:
    subject, call = pipeline(), make.call(make.trace(), b"", host="pay")
    send(subject, of_service(SHOP, [call, call]), make.now)
    assert counts_of(subject, DROPPED, make.now + 6) == {("shop", "", ""): 1.0}
    assert counts_of(subject, REQUESTS, make.now + 60) == {("shop", "pay", "virtual_node"): 1.0}


def test_edges_beyond_the_limit_of_a_service_are_added_up_and_leave_room_for_others(make: Maker) -> None:
    subject = pipeline(service_graph={"max_edges_per_service": 2})
    queries = [make.query(make.trace(), b"", attributes={"db.namespace": f"tenant{number}"}) for number in range(5)]
    send(subject, of_service(SHOP, queries), make.now)
    send(subject, of_service(STOCK, [make.query(make.trace(), b"", attributes={"db.namespace": "books"})]), make.now)
    assert counts_of(subject, REQUESTS, make.now + 6) == {
        ("shop", "tenant0", "database"): 1.0,
        ("shop", "tenant1", "database"): 1.0,
        ("shop", "true", ""): 3.0,
        ("stock", "books", "database"): 1.0,
    }


@pytest.mark.parametrize(
    ("said", "node"),
    [
        ({"db.system.name": "postgresql", "db.namespace": "shop", "server.address": "pg"}, "shop"),
        ({"db.system": "postgresql", "db.name": "shop", "net.peer.name": "pg"}, "shop"),
        ({"db.system": "redis", "db.namespace": "0", "server.address": "cache:6379"}, "cache"),
        ({"db.system": "redis", "net.peer.name": "127.0.0.1"}, "redis"),
        ({"db.system": "redis", "peer.service": "sessions"}, "sessions"),
        ({"db.system": "5"}, "5"),
    ],
)
def test_a_database_is_called_by_its_name_else_its_host_else_its_system(
    said: dict[str, Any], node: str, make: Maker
) -> None:
    subject = pipeline()
    send(subject, of_service(SHOP, [make.span("get", "CLIENT", make.trace(), attributes=said)]), make.now)
    assert counts_of(subject, REQUESTS, make.now + 6) == {("shop", node, "database"): 1.0}


def test_an_edge_has_exemplars_of_its_trace(make: Maker) -> None:
    subject, query = pipeline(), make.query(make.trace(), b"")
    send(subject, of_service(SHOP, [query]), make.now)
    exemplars = [
        exemplar
        for family in shown(subject, make.now + 6)
        if family.family.name == "traces_service_graph_request_client_seconds"
        for exemplar in family.exemplars.values()
    ]
    assert [(exemplar.trace_id, exemplar.span_id) for exemplar in exemplars] == [(query.trace_id, query.span_id)]


def test_there_is_none_where_it_is_off(make: Maker) -> None:
    subject = pipeline(service_graph={"enabled": False})
    send(subject, of_service(SHOP, [make.query(make.trace(), b"")]), make.now)
    names = {family.family.name for family in shown(subject, make.now + 6)}
    assert not any(name.startswith("traces_service_graph_") for name in names)
