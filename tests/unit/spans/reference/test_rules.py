"""What only a whole trace can say, as the reference says it: each rule by the case that asked for it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sidecar.codec.otlp.json.convert import Converter
from sidecar.codec.otlp.signal import TRACES
from sidecar.model.steps import finished
from tests.reference.spans.reference import Reference
from tests.reference.spans.rules import WHOLE_TRACES
from tests.workloads.building import ERROR, Maker, of_service
from tests.workloads.posts import Made, Service, post

SHOP, STOCK = Service("shop"), Service("stock")
FAILED: dict[str, Any] = {"status": ERROR}


@pytest.fixture
def make() -> Maker:
    return Maker(7)


def became(spans: Iterable[Made]) -> Reference:
    reference = Reference(WHOLE_TRACES, 1_700_000_000.0)
    reference.receive(post(0.0, spans).protobuf(), 1_700_000_000.0)
    reference.tick(1_700_000_005.0)
    return reference


def errors_of(reference: Reference) -> list[tuple[str, str]]:
    return sorted((told.sent.service, told.type) for told in reference.errors.told())


def test_an_exception_on_its_way_up_is_one_error_and_no_span_around_it_is_another(make: Maker) -> None:
    trace, event = make.trace(), make.exception("TypeError", "no name")
    root = make.server(trace, code=500, **FAILED)
    outer = make.span("handler", "INTERNAL", trace, root, events=[event], **FAILED)
    inner = make.span("load", "INTERNAL", trace, outer, events=[event], **FAILED)
    assert errors_of(became(of_service(SHOP, [inner, outer, root]))) == [("shop", "TypeError")]  # N3


def test_a_driver_that_tells_less_than_the_handler_is_the_same_failure(make: Maker) -> None:
    trace, text = make.trace(), "duplicate key value violates unique constraint"
    root = make.server(trace, code=500, **FAILED)
    handler = make.span("h", "INTERNAL", trace, root, events=[make.exception("DbError", text)], message=text, **FAILED)
    untyped = ("exception", {"exception.message": "PostgreSQL error occurred"})
    query = make.query(trace, handler, events=[untyped], message=text, **FAILED)
    assert errors_of(became(of_service(SHOP, [query, handler, root]))) == [("shop", "DbError")]  # N3


def test_a_failed_span_without_an_exception_below_one_that_tells_it_is_none(make: Maker) -> None:
    trace = make.trace()
    root = make.server(trace, code=500, events=[make.exception("ValueError", "bad")], **FAILED)
    send = make.span("GET /x http send", "INTERNAL", trace, root, **FAILED)
    typed = make.query(trace, root, attributes={"error.type": "shop.ValueError"}, **FAILED)
    worded = make.query(trace, root, message="bad", **FAILED)
    assert errors_of(became(of_service(SHOP, [send, typed, worded, root]))) == [("shop", "ValueError")]  # O21, Y3


def test_siblings_services_and_failures_of_their_own_each_count(make: Maker) -> None:
    trace, event = make.trace(), make.exception("TimeoutError", "no answer")
    root = make.server(trace, code=500, events=[make.exception("OutOfStock", "none left")], **FAILED)
    siblings = [make.span("one", "INTERNAL", trace, root, events=[event], **FAILED) for _ in range(10)]
    expected = make.call(trace, root, code=404)
    declined = make.span("Pay/Charge", "CLIENT", trace, root, message="card declined", attributes={"rpc.method": "x/y"})
    declined.status.code = ERROR  # type: ignore[assignment]
    remote = make.server(trace, expected, code=500, events=[event], **FAILED)
    spans = [*of_service(SHOP, [*siblings, expected, declined, root]), *of_service(STOCK, [remote])]
    found = errors_of(became(spans))  # O4, Y4
    assert len(found) == 10 + 2 + 1 + 1
    assert found.count(("shop", "TimeoutError")) == 10
    assert found.count(("stock", "TimeoutError")) == 1


def test_what_fails_within_a_request_that_is_answered_4xx_was_handled(make: Maker) -> None:
    trace = make.trace()
    root = make.server(trace, code=404)
    inner = make.span("router", "INTERNAL", trace, root, events=[make.exception("NotFound", "no /x")], **FAILED)
    reference = became(of_service(SHOP, [inner, root]))
    assert errors_of(reference) == []  # N16
    assert [held.reason for held in reference.traces.kept.values()] == ["slow"]


def test_a_statement_that_mapper_and_driver_tell_of_is_one_call_of_its_request(make: Maker) -> None:
    trace, text = make.trace(), "SELECT * FROM books WHERE id = 1"
    root = make.server(trace, route="/books", code=200)
    mapper = make.query(trace, root, text)
    wait = make.span("pg-pool.connect", "CLIENT", trace, mapper, attributes={"db.system": "postgresql"})
    driver, begin = make.query(trace, mapper, text), make.query(trace, mapper, "BEGIN")
    reference = became(of_service(SHOP, [wait, begin, driver, mapper, root]))
    facts = {query.statement: (len(of.calls), of.routes) for query, of in reference.queries.facts().items()}
    route = {f"{root.name}": 1}
    assert facts == {"SELECT * FROM books WHERE id = ?": (1, route), "BEGIN": (1, route)}  # N6, N5, N14
    calls = [value for (name, _), value in reference.samples(1_700_000_006.0).items() if "db_calls_per" in name]
    assert calls == [2.0]


def test_a_query_below_resolvers_of_its_own_is_repeated_by_the_request(make: Maker) -> None:
    trace = make.trace()
    root = make.server(trace, route="/graphql", code=200)
    spans = []
    for number in range(8):
        resolver = make.span(f"resolve {number}", "INTERNAL", trace, root)
        begin = round((make.now - 1 + number / 10) * 1e9)
        text = f"SELECT * FROM books WHERE id = {number}"
        spans += [make.query(trace, resolver, text, start=begin, end=begin + 20_000_000), resolver]
    found = became(of_service(SHOP, [*spans, root])).queries.findings()  # O11, N9
    assert [(what.kind, what.caller, requests[0].calls) for what, requests in found.items()] == [
        ("n_plus_one", "resolve *", 8)
    ]


def test_calls_belong_to_the_job_that_made_them_whatever_else_has_its_trace(make: Maker) -> None:
    trace = make.trace()
    works = [make.span(f"{name} process", "CONSUMER", trace, make.random.randbytes(8)) for name in ("a", "b")]
    calls = [make.query(trace, works[0]) for _ in range(3)]
    gauges = {
        dict(labels)["route"]: value
        for (name, labels), value in became(of_service(STOCK, [*calls, *works])).samples(1_700_000_006.0).items()
        if "db_calls_per" in name
    }
    assert gauges == {"a process": 3.0, "b process": 0.0}


DUMPS = [
    ("express_one_failure.json", 1, 1, {}, {}),
    ("express_one_pg_failure.json", 1, 1, {"INSERT": 1}, {}),
    ("express_three_errors.json", 3, 3, {}, {}),
    ("pg_three_errors.json", 3, 3, {"INSERT": 1, "SELECT": 1, "SELEKT": 1}, {}),
    ("pg_pool_connect.json", 0, 0, {"SELECT": 1}, {}),
    ("pg_pool_wait.json", 0, 0, {"SELECT": 4}, {}),
    ("typeorm_n1.json", 0, 0, {"SELECT": 8}, {"n_plus_one": 7}),
    ("sequelize_three_tables.json", 0, 0, {"SELECT": 3}, {}),
    ("graphql_n1.json", 0, 0, {"SELECT": 9}, {"n_plus_one": 8}),
]
"""Dumps of real apps with the errors, groups, calls and findings that they truly had."""


@pytest.mark.parametrize(("name", "errors", "groups", "calls", "findings"), DUMPS)
def test_what_real_apps_sent_becomes_what_they_did(
    name: str, errors: int, groups: int, calls: dict[str, int], findings: dict[str, int], shared_data: Path
) -> None:
    path = shared_data.parent / "cases/frameworks/node" / name
    if not path.exists():
        pytest.skip(f"no dump at {path}")
    reference = Reference(WHOLE_TRACES, 1_800_000_000.0)
    reference.receive(finished(Converter(TRACES).protobuf_of(path.read_bytes())), 1_800_000_000.0)
    reference.tick(1_800_000_065.0)
    facts = reference.queries.facts()
    found: dict[str, int] = {}
    for query, of in facts.items():
        word = query.statement.split()[0]
        found[word] = found.get(word, 0) + len(of.calls)
    assert (len(list(reference.errors.told())), len(reference.errors.groups())) == (errors, groups)
    assert found == calls
    assert {what.kind: of[0].calls for what, of in reference.queries.findings().items()} == findings
