"""The naive service graph: which spans are an edge, and what stands for those who send none."""

from collections.abc import Iterable

from tests.reference.spans.sent import Sent, sent_in
from tests.reference.spans.service_graph import DATABASE, MESSAGING, VIRTUAL, ServiceGraph, service_graph
from tests.reference.spans.trace import Trace
from tests.workloads.building import ERROR, Maker, of_service
from tests.workloads.posts import Made, Service, post

SHOP, STOCK = Service("shop"), Service("stock")
UNPAIRED = "traces_service_graph_unpaired_spans_total"
make = Maker(1)


def edges_of(*spans: Made) -> list[tuple[str, str, str, bool]]:
    return sorted(edge[:4] for edge in service_graph(_sent(spans)).edges)


def unpaired_in(graph: ServiceGraph) -> dict[tuple[tuple[str, str], ...], float]:
    return {labels: value for (name, labels), value in graph.samples() if name == UNPAIRED}


def _sent(spans: Iterable[Made]) -> list[Sent]:
    return list(sent_in(post(0.0, spans).protobuf(), make.now))


def test_a_client_and_the_server_below_it_are_one_edge_that_failed_if_one_of_them_did() -> None:
    trace = make.trace()
    root = make.server(trace, code=200)
    call = make.call(trace, root, seconds=0.3, code=200)
    served = make.server(trace, call, code=500, seconds=0.1)
    found = service_graph(_sent([*of_service(STOCK, [served]), *of_service(SHOP, [call, root])]))
    assert sorted(edge[:4] for edge in found.edges) == [
        ("shop", "stock", "", True),
        ("user", "shop", VIRTUAL, False),
    ]
    called = next(edge for edge in found.edges if edge.server == "stock")
    assert (called.client_seconds, called.server_seconds, unpaired_in(found)) == (0.3, 0.1, {})


def test_each_consumer_of_a_message_is_an_edge() -> None:
    trace = make.trace()
    send = make.span("send", "PRODUCER", trace, attributes={"messaging.destination.name": "orders"})
    works = [make.span("process", "CONSUMER", trace, send) for _ in range(2)]
    assert edges_of(*of_service(SHOP, [send]), *of_service(STOCK, works)) == [("shop", "stock", MESSAGING, False)] * 2


def test_a_message_without_its_other_side_goes_to_its_queue_and_comes_from_it() -> None:
    said = {"messaging.destination.name": "orders"}
    send = make.span("send", "PRODUCER", make.trace(), attributes=said)
    work = make.span("process", "CONSUMER", make.trace(), make.random.randbytes(8), attributes=said)
    linked = make.span("process", "CONSUMER", make.trace(), attributes=said)
    assert edges_of(*of_service(SHOP, [send]), *of_service(STOCK, [work, linked])) == [
        ("orders", "stock", VIRTUAL, False),
        ("orders", "stock", VIRTUAL, False),
        ("shop", "orders", VIRTUAL, False),
    ]


def test_a_database_is_a_node_once_whatever_is_around_the_call() -> None:
    trace = make.trace()
    mapper = make.query(trace, b"", attributes={"db.namespace": "books"})
    driver = make.query(trace, mapper, attributes={"db.namespace": "books"}, status=ERROR)
    connect = make.span("pg.connect", "CLIENT", trace, mapper, attributes={"db.system": "postgresql"})
    over_http = make.call(trace, driver)
    assert edges_of(*of_service(SHOP, [over_http, connect, driver, mapper])) == [("shop", "books", DATABASE, True)]


def test_who_sends_no_spans_is_named_by_the_address_of_the_innermost_client() -> None:
    trace = make.trace()
    wrapper = make.span("charge", "CLIENT", trace)
    call = make.call(trace, wrapper, host="pay.example:443", code=503)
    assert edges_of(*of_service(SHOP, [call, wrapper])) == [("shop", "pay.example", VIRTUAL, True)]


def test_spans_whose_other_side_is_nowhere_named_are_unpaired() -> None:
    trace = make.trace()
    served = make.server(trace, make.random.randbytes(8))
    called = make.span("call", "CLIENT", trace)
    found = service_graph(_sent(of_service(SHOP, [served, called])))
    assert found.edges == []
    assert unpaired_in(found) == {(("server", "shop"),): 1.0, (("client", "shop"),): 1.0}


def test_a_client_that_is_judged_after_its_server_finds_it() -> None:
    trace = make.trace()
    call = make.call(trace, b"", code=200)
    served = make.server(trace, call, code=200)
    graph = ServiceGraph()
    for turn, spans in enumerate((of_service(STOCK, [served]), of_service(SHOP, [call]))):
        graph.judge(Trace(_sent(spans)), 50.0 * turn)
        graph.expire(50.0 * turn)
    assert [edge[:4] for edge in graph.edges] == [("shop", "stock", "", False)]
    graph.expire(1000.0)
    assert len(graph.edges) == 1
    assert unpaired_in(graph) == {}


def test_samples_count_an_edge_as_often_as_its_spans_stand_for() -> None:
    query = make.query(make.trace(), b"", seconds=0.03, trace_state="ot=th:8", attributes={"db.namespace": "shop"})
    samples = dict(service_graph(_sent(of_service(SHOP, [query]))).samples())
    labels = (("client", "shop"), ("connection_type", "database"), ("server", "shop"))
    assert samples["traces_service_graph_request_total", labels] == 2.0
    assert samples["traces_service_graph_request_failed_total", labels] == 0.0
    buckets = {dict(key[1])["le"]: value for key, value in samples.items() if key[0].endswith("server_seconds_bucket")}
    assert (buckets["0.01"], buckets["0.05"], buckets["+Inf"]) == (0.0, 2.0, 2.0)
