"""Repetition is seen by the local root, whatever is between the request and its calls."""

from typing import Any

import pytest

from sidecar.spans.queries.findings import Finding, Kind
from tests.unit.spans.queries.conftest import span_id
from tests.unit.spans.queries.test_nplusone import GRACE, Subject, repeated


@pytest.fixture
def subject() -> Subject:
    return Subject()


def below(span_of: Any, name: str, number: int, **more: Any) -> Any:
    """Return a span within the request, which is no call."""
    settings = {"trace_id": b"trace%011d" % 0, "parent_span_id": span_id(0), "span_id": b"work%04d" % number}
    return span_of(name, "INTERNAL", **{**settings, **more})


def one(subject: Subject) -> Finding:
    (found,) = subject.found_at(1000.0 + GRACE)
    return found


def test_calls_each_below_a_span_of_an_orm_are_repeated(
    subject: Subject, query_of: Any, root_of: Any, span_of: Any, batch_of: Any
) -> None:
    work = [below(span_of, "load Product", number) for number in range(12)]
    calls = [query_of(at=0.02 * n, number=n + 1, parent_span_id=span.span_id) for n, span in enumerate(work)]
    subject.pipeline.accept(batch_of(*calls, *work, root_of()))
    found = one(subject)
    assert (found.kind, found.calls, found.caller) == (Kind.N_PLUS_ONE, 12, "load Product")


def test_calls_each_below_a_resolver_are_an_n_plus_one_even_if_some_are_at_once(
    subject: Subject, query_of: Any, root_of: Any, span_of: Any, batch_of: Any
) -> None:
    resolvers = [below(span_of, f"graphql.resolve books.{number}.author", number) for number in range(8)]
    calls = [query_of(at=0.005 * n, number=n + 1, parent_span_id=span.span_id) for n, span in enumerate(resolvers)]
    subject.pipeline.accept(batch_of(*calls, *resolvers, root_of()))
    found = one(subject)
    assert (found.kind, found.calls, found.caller) == (Kind.N_PLUS_ONE, 8, "graphql.resolve books.*.author")


def test_one_caller_who_asks_for_much_at_once_is_a_fan_out_below_an_orm_too(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    outer = [query_of("find products", at=0.001 * n, seconds=0.1, number=n + 1) for n in range(8)]
    inner = [
        query_of(at=0.001 * n, seconds=0.1, number=n + 100, parent_span_id=span.span_id) for n, span in enumerate(outer)
    ]
    subject.pipeline.accept(batch_of(*inner, *outer, root_of()))
    found = one(subject)
    assert (found.kind, found.calls, found.caller) == (Kind.FAN_OUT, 8, "GET /orders/{id}")


def test_callers_of_other_names_are_called_by_the_innermost_span_above_all(
    subject: Subject, query_of: Any, root_of: Any, span_of: Any, batch_of: Any
) -> None:
    page = below(span_of, "render page", 100)
    parts = [
        below(span_of, f"render {name}", number, parent_span_id=page.span_id)
        for number, name in enumerate(("head", "body", "foot", "menu", "cart"))
    ]
    calls = [query_of(at=0.02 * n, number=n + 1, parent_span_id=span.span_id) for n, span in enumerate(parts)]
    subject.pipeline.accept(batch_of(*calls, *parts, page, root_of()))
    found = one(subject)
    assert (found.kind, found.calls, found.caller) == (Kind.N_PLUS_ONE, 5, "render page")


def test_the_driver_and_what_is_around_it_are_one_call(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    orm = repeated(query_of, 8, text="SELECT * FROM author WHERE id = $1")
    driver = [
        query_of("SELECT * FROM author WHERE id = $1", at=0.02 * n, number=100 + n, parent_span_id=span.span_id)
        for n, span in enumerate(orm)
    ]
    subject.pipeline.accept(batch_of(*driver, *orm, root_of()))
    found = one(subject)
    assert (found.calls, found.query.routes) == (8, {"GET /orders/{id}": 8})


def beside(query_of: Any, times: int, **more: Any) -> tuple[list[Any], list[Any]]:
    """Return calls beside each other of a mapper and its driver: a call of the driver is in the time of each other."""
    mapper = repeated(query_of, times, seconds=0.01, **more)
    driver = [query_of(at=0.02 * n + 0.001, seconds=0.008, number=100 + n, **more) for n in range(times)]
    return mapper, driver


@pytest.mark.parametrize("reverse", [False, True])
def test_the_driver_and_what_is_around_it_are_one_call_also_where_they_are_beside_each_other(
    reverse: bool, subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    mapper, driver = beside(query_of, 8)
    batches = [batch_of(*mapper, scope="sqlalchemy"), batch_of(*driver, scope="psycopg"), batch_of(root_of())]
    for batch in reversed(batches) if reverse else batches:
        subject.pipeline.accept(batch)
    found = one(subject)
    assert (found.kind, found.calls, found.query.routes) == (Kind.N_PLUS_ONE, 8, {"GET /orders/{id}": 8})
    assert found.seconds == pytest.approx(8 * 0.008)


def test_calls_at_once_that_two_instrumentations_tell_of_each_have_their_own(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    mapper = [query_of(at=0.001 * n, seconds=0.1, number=n + 1) for n in range(8)]
    driver = [query_of(at=0.05 + 0.001 * n, seconds=0.0495, number=n + 100) for n in range(8)]
    subject.pipeline.accept(batch_of(*mapper, scope="sqlalchemy"))
    subject.pipeline.accept(batch_of(*driver, scope="psycopg"))
    subject.pipeline.accept(batch_of(root_of()))
    assert one(subject).calls == 8


def test_calls_of_one_instrumentation_within_the_time_of_each_other_are_calls(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    calls = [query_of(at=0.001 * n, seconds=0.1 - 0.005 * n, number=n + 1) for n in range(8)]
    subject.pipeline.accept(batch_of(*calls, root_of()))
    assert one(subject).calls == 8


def test_what_the_driver_alone_tells_of_is_a_call_as_well(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    mapper, driver = beside(query_of, 8)
    begin = query_of("BEGIN", at=0.0005, seconds=0.0001, number=200)
    more = query_of(at=0.5, number=201)
    subject.pipeline.accept(batch_of(*mapper, scope="sqlalchemy"))
    subject.pipeline.accept(batch_of(begin, *driver, more, scope="psycopg"))
    subject.pipeline.accept(batch_of(root_of()))
    subject.found_at(1000.0 + GRACE)
    calls = {found.query.statement: found.calls for found in subject.insights.queries.statistics.all()}
    assert calls == {"SELECT name FROM product WHERE sku = ?": 9, "BEGIN": 1}


def test_a_cache_around_a_database_is_a_call_of_its_own(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    cache = repeated(query_of, 10, text="GET product:1", system="redis")
    misses = [query_of(at=0.02 * n, number=100 + n, parent_span_id=span.span_id) for n, span in enumerate(cache)]
    subject.pipeline.accept(batch_of(*misses, *cache, root_of()))
    found = subject.found_at(1000.0 + GRACE)
    assert {(item.query.system, item.calls) for item in found} == {("redis", 10), ("postgresql", 10)}


def test_what_a_driver_asks_of_itself_takes_no_call_away(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    calls = repeated(query_of, 6)
    checks = [query_of("SELECT 1", number=100 + n, parent_span_id=span.span_id) for n, span in enumerate(calls)]
    subject.pipeline.accept(batch_of(*checks, *calls, root_of()))
    assert one(subject).calls == 6


def test_transactions_are_known_by_the_requests_that_made_them(query_of: Any, root_of: Any, batch_of: Any) -> None:
    subject = Subject()
    subject.pipeline.accept(batch_of(query_of("BEGIN", number=1), query_of("COMMIT", number=2), root_of()))
    subject.found_at(1000.0 + GRACE)
    routes = {found.query.statement: found.query.routes for found in subject.insights.queries.statistics.all()}
    assert routes == {"BEGIN": {"GET /orders/{id}": 1}, "COMMIT": {"GET /orders/{id}": 1}}


def test_a_burst_is_looked_at_within_one_interval(query_of: Any, root_of: Any, batch_of: Any) -> None:
    subject = Subject(max_pending_spans=100_000)
    for number in range(300):
        ids = {"trace_id": b"burst%011d" % number}
        subject.pipeline.accept(batch_of(*repeated(query_of, 20, **ids), root_of(**ids)))
    assert one(subject).traces == 300
