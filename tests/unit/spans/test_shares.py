"""A fair share for each service of what is kept of all."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.span import SpanKind
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.observe import Observer
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.findings import Findings, Kind, Repeated
from sidecar.spans.queries.query import Query
from sidecar.spans.shares import fair_share
from sidecar.spans.traces.endpoint import MOST_ENDPOINTS, OTHER, Endpoints
from tests.unit.spans.pipelines import judged, pipeline, shown
from tests.unit.spans.queries.conftest import query_of, root_of
from tests.unit.spans.traces.building import Fed
from tests.unit.spans.traces.building import span as trace_span

__all__ = ["query_of", "root_of"]


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 100))
def test_a_share_fills_what_there_is_and_no_more(counts: list[int], most: int) -> None:
    share = fair_share(counts, most)
    kept = [min(count, share) for count in counts]
    assert sum(kept) <= most
    assert kept == counts or sum(kept) > most - len(counts)


def test_a_flood_of_new_queries_of_one_service_leaves_those_of_another(query_of: Any, batch_of: Any) -> None:
    insights = Insights(InsightSettings(queries=QueriesConfig(max_queries=100)))
    subject = pipeline(insights)
    subject.accept(batch_of(*[query_of(f"SELECT a{number} FROM t", seconds=0.0001) for number in range(30)]))
    for start in range(0, 1000, 100):
        flood = [query_of(f"SELECT b{number} FROM t", seconds=1) for number in range(start, start + 100)]
        subject.accept(batch_of(*flood, service="noisy", now=1001.0 + start))
    found = [item.query.service for item in judged(insights).queries.statistics.all()]
    assert found.count("shop") == 30
    assert len(found) <= 100


def test_of_very_many_services_those_stay_whose_queries_are_worth_most(query_of: Any, batch_of: Any) -> None:
    insights = Insights(InsightSettings(queries=QueriesConfig(max_queries=10)))
    subject = pipeline(insights)
    for number in range(40):
        seconds = 0.5 if number % 10 == 0 else 0.001
        subject.accept(batch_of(query_of("SELECT a FROM t", seconds=seconds), service=f"s{number}"))
    found = {item.query.service for item in judged(insights).queries.statistics.all()}
    assert {"s0", "s10", "s20", "s30"} <= found
    assert 9 <= len(found) <= 10


def test_a_rare_slow_query_outlives_many_quick_new_ones(query_of: Any, batch_of: Any) -> None:
    insights = Insights(InsightSettings(queries=QueriesConfig(max_queries=100)))
    subject = pipeline(insights)
    subject.accept(batch_of(query_of("SELECT slow FROM t", seconds=9), now=1000.0))
    for start in range(0, 2000, 100):
        quick = [query_of(f"SELECT b{number} FROM t", seconds=0.001) for number in range(start, start + 100)]
        subject.accept(batch_of(*quick, now=1001.0 + start))
    assert "SELECT slow FROM t" in {item.query.statement for item in judged(insights, 3100.0).queries.statistics.all()}
    for day in range(40):  # but not for ever
        quick = [query_of(f"SELECT c{day}_{number} FROM t", seconds=0.001) for number in range(101)]
        subject.accept(batch_of(*quick, now=1e4 + 86_400 * day))
    assert "SELECT slow FROM t" not in {item.query.statement for item in judged(insights).queries.statistics.all()}


def test_a_thousand_savepoints_are_three_queries(query_of: Any, batch_of: Any) -> None:
    insights = Insights()
    subject = pipeline(insights)
    for number in range(1000):
        name = f'"s139872_x{number}"'
        texts = (f"SAVEPOINT {name}", f"RELEASE SAVEPOINT {name}", f"ROLLBACK TO SAVEPOINT {name}")
        subject.accept(batch_of(*map(query_of, texts)))
    found = {item.query.statement: item.calls for item in judged(insights).queries.statistics.all()}
    assert found == {"SAVEPOINT ?": 1000, "RELEASE SAVEPOINT ?": 1000, "ROLLBACK TO SAVEPOINT ?": 1000}


def test_findings_of_another_service_stay(query_of: Any) -> None:
    findings = Findings(10)
    query = Query("shop", "postgresql", "SELECT ?", 0)
    quiet = findings.add(Repeated(Kind.N_PLUS_ONE, "shop", "GET /", "x", query, 5, 1.0, ""), 1.0)
    for number in range(100):
        findings.add(Repeated(Kind.N_PLUS_ONE, "noisy", f"GET /{number}", "x", query, 5, 1.0, ""), 2.0)
    assert findings.get(quiet.fingerprint) is quiet
    assert findings.evicted == 91
    assert len([*findings.newest()]) == 10


def test_error_groups_of_another_service_stay(span_of: Any, batch_of: Any, values_of: Any) -> None:
    insights = Insights(InsightSettings(errors=ErrorGroupsConfig(max_groups=10)))
    subject = pipeline(insights)

    def failed(number: int, service: str) -> None:
        event = ("exception", {"exception.type": f"Error{chr(65 + number)}", "exception.message": "x"})
        trace_id = f"{service:>8}{number:08}".encode()
        subject.accept(batch_of(span_of(status=2, events=[event], trace_id=trace_id), service=service))

    failed(0, "shop")
    for number in range(50):
        failed(number, "noisy")
    assert [group.service for group in judged(insights).errors.newest()].count("shop") == 1
    assert values_of(shown(subject, 1000.0), "sidecar_error_groups_evicted_total") == {(): 41}


def test_endpoints_of_another_service_are_told_apart(span_of: Any, batch_of: Any) -> None:
    observer, endpoints = Observer(frozenset({SpanKind.SERVER})), Endpoints()

    def route(number: int, service: str) -> str:
        attributes = {"http.request.method": "GET", "http.route": f"/{number}"}
        (spans,) = observer.observe(batch_of(span_of(attributes=attributes), service=service))
        (endpoint,) = endpoints.of(spans, spans.places, 10.0)
        return endpoint.route

    for number in range(MOST_ENDPOINTS + 50):
        route(number, "noisy")
    assert route(1000, "noisy") == OTHER
    assert [route(number, "shop") for number in range(5)] == ["/0", "/1", "/2", "/3", "/4"]
    assert route(0, "noisy") == "/0"


def test_kept_traces_of_another_service_stay() -> None:
    fed = Fed(max_traces=10, sample_ratio=1, slowest_per_endpoint=0, max_kept_per_endpoint_per_second=1000)
    for number in range(3):
        fed.give(trace_span(trace=number + 1, name=f"GET /{number}"))
    for number in range(50):
        fed.give(trace_span(trace=100 + number, name=f"GET /{number}", failed=True), service="noisy")
        fed.wait(1.0)
    fed.wait(10.0)
    found = [trace.endpoint.service for trace in fed.store.kept.traces.values()]
    assert (found.count("shop"), len(found)) == (3, 10)
