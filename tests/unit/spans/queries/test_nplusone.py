"""Queries that are repeated for one request are found once, however their spans arrive."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.queries import finder
from sidecar.spans.queries.config import NPlusOneConfig, QueriesConfig
from sidecar.spans.queries.findings import Finding, Kind
from sidecar.spans.window import window
from tests.unit.spans.pipelines import pipeline, shown
from tests.unit.spans.queries.conftest import span_id, trace_id

COUNT, DROPPED, EARLY = (
    "sidecar_nplusone_total",
    "sidecar_nplusone_spans_dropped_total",
    "sidecar_nplusone_early_traces_total",
)
GRACE = 5.0


class Subject:
    """A pipeline, and what it found."""

    def __init__(self, **n_plus_one: Any) -> None:
        queries = QueriesConfig(n_plus_one=NPlusOneConfig(grace_seconds=GRACE, **n_plus_one))
        self.insights = Insights(InsightSettings(queries=queries))
        self.pipeline: Pipeline = pipeline(self.insights)

    def found(self) -> list[Finding]:
        return [*self.insights.queries.findings.newest()]

    def found_at(self, now: float) -> list[Finding]:
        shown(self.pipeline, now)
        return self.found()


@pytest.fixture
def subject() -> Subject:
    return Subject()


def repeated(query_of: Any, times: int = 20, /, **more: Any) -> list[Any]:
    """Return calls one after the other, with a pause after each."""
    return [query_of(at=0.02 * number, number=number + 1, **more) for number in range(times)]


def test_a_query_per_row_is_found_once_with_all_that_one_needs_to_know(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject.pipeline.accept(batch_of(query_of("SELECT * FROM orders WHERE id = 4711", at=0), *repeated(query_of)))
    subject.pipeline.accept(batch_of(root_of(), now=1001.0))
    assert subject.found_at(1001.0 + GRACE - 0.1) == []
    (found,) = subject.found_at(1001.0 + GRACE)
    assert (found.kind, found.service, found.route, found.caller) == (
        Kind.N_PLUS_ONE,
        "shop",
        "GET /orders/{id}",
        "GET /orders/{id}",
    )
    assert found.query.statement == "SELECT name FROM product WHERE sku = ?"
    assert (found.traces, found.calls, found.most_calls) == (1, 20, 20)
    assert found.seconds == pytest.approx(0.2)
    assert found.trace_id == trace_id(0).hex()
    families = shown(subject.pipeline, 1100.0)
    assert values_of(families, COUNT, "service", "route") == {("shop", "GET /orders/{id}"): 1}
    assert not any(values_of(families, DROPPED, "reason").values())


def test_calls_without_any_pause_are_one_after_the_other(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    calls = [query_of(at=0.0200002 * number, seconds=0.0200002, number=number + 1) for number in range(9)]
    subject.pipeline.accept(batch_of(*calls, root_of()))
    assert [found.kind for found in subject.found_at(1100.0)] == [Kind.N_PLUS_ONE]


def test_the_same_in_other_requests_is_the_same_finding(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    for number, times in enumerate((20, 7, 9)):
        ids = {"trace_id": trace_id(number)}
        text = f"SELECT name FROM product WHERE sku = 'SKU-{number}'"
        calls = repeated(query_of, times, text=text, **ids)
        subject.pipeline.accept(batch_of(*calls, root_of(**ids), now=1000.0 + number))
    (found,) = subject.found_at(1100.0)
    assert (found.traces, found.calls, found.most_calls, found.trace_id) == (3, 9, 20, trace_id(2).hex())
    assert values_of(shown(subject.pipeline, 1100.0), COUNT, "route") == {("GET /orders/{id}",): 3}


def test_other_routes_and_callers_are_other_findings(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    for number, route in enumerate(("/a", "/b")):
        ids = {"trace_id": trace_id(number)}
        subject.pipeline.accept(batch_of(*repeated(query_of, **ids), root_of(route, **ids)))
    assert {found.route for found in subject.found_at(1100.0)} == {"GET /a", "GET /b"}
    assert len({found.fingerprint for found in subject.found()}) == 2


def test_calls_with_others_in_between_are_found_too(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    others = [query_of(f"SELECT a{number} FROM t", at=0.02 * number + 0.01, number=100 + number) for number in range(9)]
    subject.pipeline.accept(batch_of(*repeated(query_of, 9), *others, root_of()))
    (found,) = subject.found_at(1100.0)
    assert (found.kind, found.calls) == (Kind.N_PLUS_ONE, 9)


def test_queries_at_once_are_a_fan_out(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    calls = [query_of(at=0.001 * number, seconds=0.1, number=number + 1) for number in range(20)]
    subject.pipeline.accept(batch_of(*calls, root_of()))
    (found,) = subject.found_at(1100.0)
    assert (found.kind, found.calls) == (Kind.FAN_OUT, 20)
    assert values_of(shown(subject.pipeline, 1100.0), COUNT, "route") == {}


@pytest.mark.parametrize(
    ("times", "seconds", "system", "is_found"),
    [
        (5, 0.01, "postgresql", True),
        (4, 0.1, "postgresql", False),
        (5, 0.009, "postgresql", False),
        (9, 0.01, "redis", False),
        (10, 0.005, "redis", True),
        (10, 0.005, "valkey", True),
    ],
)
def test_few_or_quick_queries_are_none(
    times: int,
    seconds: float,
    system: str,
    is_found: bool,
    query_of: Any,
    root_of: Any,
    batch_of: Any,
    subject: Subject,
) -> None:
    text = "GET user:1" if system != "postgresql" else "SELECT 1 FROM t"
    calls = repeated(query_of, times, text=text, seconds=seconds, system=system)
    subject.pipeline.accept(batch_of(*calls, root_of()))
    assert bool(subject.found_at(1100.0)) is is_found


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ("BEGIN;", {}),
        ("COMMIT", {}),
        ("SAVEPOINT sp_1", {}),
        ("SET search_path = x", {}),
        ("INSERT INTO t VALUES ($1)", {"db.operation.batch.size": 20}),
        ("INSERT INTO t VALUES ($1)", {"db.operation.name": "BATCH INSERT"}),
    ],
)
def test_transactions_and_batches_are_none(
    text: str, extra: dict[str, Any], query_of: Any, root_of: Any, batch_of: Any, subject: Subject
) -> None:
    subject.pipeline.accept(batch_of(*repeated(query_of, text=text, extra=extra), root_of()))
    assert subject.found_at(1100.0) == []


def test_statements_that_were_not_read_or_not_said_are_none(
    subject: Subject, query_of: Any, span_of: Any, root_of: Any, batch_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "CHARACTERS", 0)
    unread = [query_of(f"SELECT a{number} FROM t", seconds=0.1) for number in range(20)]
    ids = {"trace_id": trace_id(0), "parent_span_id": span_id(0)}
    attributes = {"db.system.name": "postgresql"}
    unsaid = [span_of("shop.items", kind="CLIENT", seconds=0.1, attributes=attributes, **ids) for _ in range(20)]
    subject.pipeline.accept(batch_of(*unread, *unsaid, root_of()))
    assert subject.found_at(1100.0) == []


def test_connects_are_none(span_of: Any, root_of: Any, batch_of: Any, subject: Subject) -> None:
    attributes = {"db.system.name": "postgresql"}
    ids = {"trace_id": trace_id(0), "parent_span_id": span_id(0), "span_id": span_id(1)}
    calls = [span_of("connect", kind="CLIENT", seconds=0.1, attributes=attributes, **ids)] * 10
    subject.pipeline.accept(batch_of(*calls, root_of()))
    assert subject.found_at(1100.0) == []


def test_different_queries_are_none(subject: Subject, query_of: Any, root_of: Any, batch_of: Any) -> None:
    different = [query_of(f"SELECT a{number} FROM t", seconds=0.1) for number in range(20)]
    subject.pipeline.accept(batch_of(*different, root_of()))
    assert subject.found_at(1100.0) == []


def test_calls_of_several_requests_are_not_those_of_one(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    ids = [b"root%04d" % number for number in range(5)]
    calls = [call for span in ids for call in repeated(query_of, 4, parent_span_id=span)]
    subject.pipeline.accept(batch_of(*calls, *[root_of(span_id=span) for span in ids]))
    assert subject.found_at(1100.0) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_the_sequence_and_the_bodies_in_which_spans_arrive_do_not_matter(
    query_of: Any, root_of: Any, span_of: Any, batch_of: Any, chance: random.Random, parts: int
) -> None:
    work = span_of("load lines", "INTERNAL", trace_id=trace_id(0), span_id=b"work____", parent_span_id=span_id(0))
    spans = [
        work,
        root_of(),
        *repeated(query_of, 12, parent_span_id=b"work____"),
        *repeated(query_of, 3, text="SELECT 2"),
    ]
    for other in range(1, 4):
        ids = {"trace_id": trace_id(other)}
        spans += [root_of(f"/{other}", **ids), *repeated(query_of, 4, **ids)]
    chance.shuffle(spans)
    subject = Subject()
    for number in range(parts):
        if part := spans[number::parts]:
            subject.pipeline.accept(batch_of(*part, now=1000.0 + number / 10))
    (found,) = subject.found_at(1100.0)
    assert (found.kind, found.calls, found.caller, found.route) == (
        Kind.N_PLUS_ONE,
        12,
        "load lines",
        "GET /orders/{id}",
    )


def test_the_request_is_that_of_the_service_which_asked(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    front = root_of("/front", span_id=b"front___")
    back = root_of("/back", span_id=b"back____", parent_span_id=b"front___", flags=0x300)
    subject.pipeline.accept(batch_of(*repeated(query_of, parent_span_id=b"back____"), back, service="back"))
    subject.pipeline.accept(batch_of(front, service="front"))
    assert [(found.service, found.route) for found in subject.found_at(1100.0)] == [("back", "GET /back")]


def test_a_consumer_and_a_job_are_requests_too(subject: Subject, query_of: Any, span_of: Any, batch_of: Any) -> None:
    for number, kind in enumerate(("CONSUMER", "INTERNAL")):
        ids = {"trace_id": trace_id(number)}
        root = span_of(f"{kind} of mail", kind, span_id=span_id(0), **ids)
        subject.pipeline.accept(batch_of(root, *repeated(query_of, **ids)))
    assert {found.route for found in subject.found_at(1100.0)} == {"CONSUMER of mail", "INTERNAL of mail"}


def test_calls_wait_for_their_own_request_and_not_for_another_one_of_the_trace(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any
) -> None:
    subject.pipeline.accept(batch_of(root_of("/first", span_id=b"first___"), now=1000.0))
    subject.pipeline.accept(batch_of(*repeated(query_of, 10, parent_span_id=b"second__"), now=1003.0))
    assert subject.found_at(1010.0) == []
    rest = [query_of(at=1 + number, number=50 + number, parent_span_id=b"second__") for number in range(5)]
    subject.pipeline.accept(batch_of(*rest, root_of("/second", span_id=b"second__"), now=1020.0))
    assert [(found.route, found.calls) for found in subject.found_at(1026.0)] == [("GET /second", 15)]


def test_where_two_instrumentations_tell_of_a_call_it_is_one(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    outer = repeated(query_of, 10)
    inner = [query_of(at=0.02 * n, number=100 + n, parent_span_id=call.span_id) for n, call in enumerate(outer)]
    subject.pipeline.accept(batch_of(*inner, *outer, root_of()))
    (found,) = subject.found_at(1006.0)
    assert found.calls == 10
    assert found.query.routes == {"GET /orders/{id}": 10}
    assert not any(values_of(shown(subject.pipeline, 1100.0), DROPPED, "reason").values())


def test_without_a_request_calls_are_dropped_in_the_end(
    subject: Subject, query_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject.pipeline.accept(batch_of(*repeated(query_of)))
    assert not any(values_of(shown(subject.pipeline, 1060.0), DROPPED, "reason").values())
    assert values_of(shown(subject.pipeline, 1066.0), DROPPED, "reason")["no_root",] == 20
    assert subject.found() == []


def test_calls_of_a_lost_caller_belong_to_the_request_of_their_service_in_the_end(
    subject: Subject, query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject.pipeline.accept(batch_of(*repeated(query_of, parent_span_id=b"lost____"), root_of()))
    assert subject.found_at(1060.0) == []
    (found,) = subject.found_at(1066.0)
    assert (found.route, found.caller) == ("GET /orders/{id}", "")
    assert not any(values_of(shown(subject.pipeline, 1066.0), DROPPED, "reason").values())


def test_with_many_spans_waiting_requests_are_looked_at_early_and_traces_without_one_dropped(
    query_of: Any, root_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = Subject(max_pending_spans=1000)
    for number in range(200):
        ids = {"trace_id": trace_id(number)}
        subject.pipeline.accept(batch_of(*repeated(query_of, **ids), *([root_of(**ids)] if number % 2 else [])))
    families = shown(subject.pipeline, 1000.0)
    dropped = values_of(families, DROPPED, "reason")
    assert values_of(families, EARLY)[()] > 90
    assert dropped["no_room",] > 1000
    assert sum(found.traces for found in subject.found()) > 90


def test_a_trace_of_fifty_thousand_spans_is_cut_and_harms_no_other(
    subject: Subject, query_of: Any, root_of: Any, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    other = {"trace_id": trace_id(1)}
    subject.pipeline.accept(batch_of(*repeated(query_of, **other), root_of(**other)))
    work = span_of("w", "INTERNAL", trace_id=trace_id(0), parent_span_id=span_id(0))
    for _ in range(50):
        subject.pipeline.accept(batch_of(*[query_of()] * 500, *[work] * 500))
    subject.pipeline.accept(batch_of(root_of()))
    found = {item.trace_id: item for item in subject.found_at(1100.0)}
    assert values_of(shown(subject.pipeline, 1100.0), DROPPED, "reason")["trace_too_large",] == 20_000
    assert sum(item.traces for item in found.values()) == 2
    assert max(item.most_calls for item in found.values()) >= window.MOST_SPANS // 2


@pytest.mark.parametrize("what", ["traces", "callers", "ids"])
def test_floods_leave_little_behind(what: str, query_of: Any, root_of: Any, batch_of: Any) -> None:
    subject = Subject(max_pending_spans=1000)
    names = ("trace_id", "span_id", "parent_span_id")
    for number in range(100):
        ids: Sequence[dict[str, bytes]] = {
            "traces": [{"trace_id": trace_id(number * 50 + place)} for place in range(50)],
            "callers": [{"parent_span_id": span_id(number * 50 + place)} for place in range(50)],
            "ids": [dict.fromkeys(names, b"%d" % place * 2000) for place in range(50)],
        }[what]
        subject.pipeline.accept(batch_of(*[query_of(**of) for of in ids], *[root_of(**of) for of in ids]))
    waiting: Any = subject.insights._windows[-1]
    assert waiting.spans <= 1000
    kept = [rows for batch in waiting._batches for rows in (batch.rows, *waiting._coming)]
    assert sum(map(len, kept)) <= 1000 * window._SPARSE


def test_findings_are_bounded(query_of: Any, root_of: Any, batch_of: Any) -> None:
    subject = Subject(max_findings=5)
    for number in range(20):
        ids = {"trace_id": trace_id(number)}
        subject.pipeline.accept(batch_of(*repeated(query_of, **ids), root_of(f"/{number}", **ids)))
    assert [found.route for found in subject.found_at(1100.0)] == [f"GET /{number}" for number in range(19, 14, -1)]
    newest = subject.found()[0]
    assert subject.insights.queries.findings.get(newest.fingerprint) is newest


def test_hostile_times_and_ids_are_taken(subject: Subject, query_of: Any, root_of: Any, batch_of: Any) -> None:
    late = query_of()
    late.end_time_unix_nano = 0
    nothing = query_of(trace_id=b"", parent_span_id=b"", span_id=b"")
    loop = root_of(span_id=b"loop____", parent_span_id=b"loop____", kind="INTERNAL")
    subject.pipeline.accept(
        batch_of(*[late] * 10, nothing, loop, *repeated(query_of, parent_span_id=b"loop____"), root_of())
    )
    assert subject.found_at(1006.0) == []
