"""Gauges of endpoints: what each says, which calls belong to which request, and how long that is remembered."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.spans.pipelines import OVERFLOWED, pipeline, shown

GAUGES = ("requests_per_second", "error_ratio", "slow_ratio", "apdex_ratio")
HTTP = {"http.request.method": "GET", "http.route": "/a"}
QUERY = {"db.system.name": "postgresql", "db.operation.name": "SELECT"}
LABELS = ("service", "method", "route")
UNATTRIBUTED = "sidecar_endpoint_db_calls_unattributed_total"


def request(span_of: Any, trace: int, route: str = "/a", **more: Any) -> Any:
    attributes = {"http.request.method": "GET", "http.route": route}
    ids = {"trace_id": (1 + trace).to_bytes(16, "big"), "span_id": b"request_"}
    return span_of(attributes=attributes, **{**ids, **more})


def call(span_of: Any, trace: int, seconds: float = 0.1, **more: Any) -> Any:
    ids = {"trace_id": (1 + trace).to_bytes(16, "big"), "parent_span_id": b"request_"}
    return span_of(kind="CLIENT", seconds=seconds, attributes=QUERY, **{**ids, **more})


def calls_per_request(values_of: Any, families: Any) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = values_of(families, "sidecar_endpoint_db_calls_per_request", *LABELS)
    return found


def test_five_slow_and_two_failed_of_a_hundred(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    durations = [0.1] * 85 + [0.5] * 5 + [0.9] * 5 + [1.5, 2.0, 2.5, 1.1, 9.0]
    spans = [
        request(span_of, 1, seconds=seconds, status=2 if place < 2 else 0) for place, seconds in enumerate(durations)
    ]
    subject.accept(batch_of(*spans, now=1000.0))
    families = shown(subject, 1200.0)
    found = {name: values_of(families, f"sidecar_endpoint_{name}", *LABELS) for name in GAUGES}
    satisfied, tolerated = 88, 8
    expected = (100 / 200, 0.02, 0.05, (satisfied + tolerated / 2) / 100)
    for name, value in zip(GAUGES, expected, strict=True):
        assert found[name] == {("shop", "GET", "/a"): pytest.approx(value)}


def test_the_thresholds_are_configured(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(apdex_seconds=0.1, slow_seconds=0.3)
    subject.accept(batch_of(*[request(span_of, 1, seconds=seconds) for seconds in (0.1, 0.3, 0.4, 0.5)]))
    families = shown(subject, 1010.0)
    assert values_of(families, "sidecar_endpoint_slow_ratio") == {(): 0.5}
    assert values_of(families, "sidecar_endpoint_apdex_ratio") == {(): pytest.approx((1 + 2 / 2) / 4)}


def test_an_endpoint_without_a_request_in_the_window_is_absent(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(request(span_of, 1), now=1000.0))
    assert values_of(shown(subject, 1260.0), "sidecar_endpoint_error_ratio", "route") == {("/a",): 0}
    assert values_of(shown(subject, 1300.0), "sidecar_endpoint_error_ratio", "route") == {}


def test_what_is_consumed_is_an_endpoint_by_its_name(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("process orders", kind="CONSUMER"), span_of(kind="CLIENT")))
    found = values_of(shown(subject, 1010.0), "sidecar_endpoint_error_ratio", *LABELS)
    assert found == {("shop", "", "process orders"): 0}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=20), st.randoms())
def test_calls_are_those_of_their_request_in_whatever_order_and_batches_they_come(
    span_of: Any, batch_of: Any, values_of: Any, traces: list[tuple[int, int]], chance: Any
) -> None:
    spans = []
    for trace, (route, calls) in enumerate(traces):
        spans.append(request(span_of, trace, f"/{route}"))
        spans += [call(span_of, trace, 0.25)] * calls
    chance.shuffle(spans)
    subject = pipeline()
    while spans:
        size = chance.randint(1, len(spans))
        subject.accept(batch_of(*spans[:size]))
        spans = spans[size:]
    families = shown(subject, 1010.0)
    per_route = {route: [calls for of, calls in traces if of == route] for route, _ in traces}
    expected = {("shop", "GET", f"/{route}"): sum(calls) / len(calls) for route, calls in per_route.items()}
    assert calls_per_request(values_of, families) == pytest.approx(expected)
    seconds = values_of(families, "sidecar_endpoint_db_seconds_per_request", *LABELS)
    assert seconds == pytest.approx({key: value / 4 for key, value in expected.items()})


def test_a_trace_through_two_services_has_calls_in_each(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(request(span_of, 1), call(span_of, 1), service="front"))
    subject.accept(batch_of(*[call(span_of, 1, parent_span_id=b"back____")] * 3, service="back"))
    back = request(span_of, 1, "/b", span_id=b"back____", parent_span_id=b"request_")
    subject.accept(batch_of(back, service="back"))
    found = calls_per_request(values_of, shown(subject, 1010.0))
    assert found == {("front", "GET", "/a"): 1, ("back", "GET", "/b"): 3}


def test_of_several_requests_in_a_trace_and_service_each_has_its_own_calls(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    ids = [b"request%d" % number for number in range(3)]
    requests = [request(span_of, 1, f"/{number}", span_id=span) for number, span in enumerate(ids)]
    calls = [call(span_of, 1, parent_span_id=span) for number, span in enumerate(ids) for _ in range(number)]
    subject.accept(batch_of(*calls, *requests))
    found = calls_per_request(values_of, shown(subject, 1010.0))
    assert found == {("shop", "GET", f"/{number}"): number for number in range(3)}


def test_calls_per_request_are_exact_while_requests_come(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    for second in range(20):
        spans = [request(span_of, second), *[call(span_of, second)] * 4]
        subject.accept(batch_of(*spans, now=1000.0 + second))
        found = calls_per_request(values_of, shown(subject, 1000.0 + second))
        assert found == ({("shop", "GET", "/a"): 4} if second >= 5 else {})


def test_a_wrapper_and_what_a_driver_asks_of_itself_are_no_calls_of_a_request(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    wrapper, driver = call(span_of, 1, span_id=b"wrapper_"), call(span_of, 1, parent_span_id=b"wrapper_")
    own = span_of(
        kind="CLIENT",
        attributes={"db.system.name": "postgresql", "db.query.text": "SELECT 1"},
        trace_id=wrapper.trace_id,
        parent_span_id=b"request_",
    )
    subject.accept(batch_of(driver, wrapper, own, request(span_of, 1)))
    assert calls_per_request(values_of, shown(subject, 1010.0)) == {("shop", "GET", "/a"): 1}


def test_calls_whose_request_never_comes_are_counted_as_such(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(call(span_of, 1), call(span_of, 2, trace_state="ot=th:8"), now=1000.0))
    assert values_of(shown(subject, 1059.0), UNATTRIBUTED) == {(): 0}
    subject.accept(batch_of(request(span_of, 1), now=1059.0))
    families = shown(subject, 1066.0)
    assert values_of(families, UNATTRIBUTED) == {(): 2}
    assert calls_per_request(values_of, families) == {("shop", "GET", "/a"): 1}


def test_a_call_that_comes_after_its_request_was_judged_belongs_to_it(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    subject.accept(batch_of(request(span_of, 1), now=1000.0))
    assert calls_per_request(values_of, shown(subject, 1010.0)) == {("shop", "GET", "/a"): 0}
    subject.accept(batch_of(call(span_of, 1), now=1059.0))
    assert calls_per_request(values_of, shown(subject, 1070.0)) == {("shop", "GET", "/a"): 1}


def test_endpoints_beyond_the_limit_are_one(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(max_series_per_service=1)
    subject.accept(batch_of(*[request(span_of, number, f"/{number}", status=2 * number) for number in range(2)]))
    families = shown(subject, 1010.0)
    found = values_of(families, "sidecar_endpoint_error_ratio", "route", "otel_metric_overflow")
    assert found == {("/0", ""): 0, ("", "true"): 1}
    assert values_of(families, OVERFLOWED, "metric")["sidecar_endpoint_requests_per_second",] == 1
