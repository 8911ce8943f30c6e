"""Derived metrics: exact counts, names and labels, the rules for errors and routes, limits."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from sidecar.codec.otlp.attributes import attributes_of, resource_attributes
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.derive import origin
from sidecar.spans import exceptions, observe
from sidecar.spans.config import SpansConfig
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.stage import PART_SAMPLES
from sidecar.tsdb.config import HeadConfig
from tests.unit.spans.conftest import attributes
from tests.unit.spans.pipelines import CALLS, DURATION, ERRORS, OPERATIONS, OVERFLOWED, REQUESTS, pipeline, shown


def test_a_span_is_counted_and_timed_under_the_collectors_names(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1, 0.5))
    subject.accept(batch_of(span_of("GET /a", seconds=0.5, status=2), span_of("GET /a", seconds=0.05, status=2)))
    families = shown(subject, 1000.0)
    labels = ("service_name", "span_name", "span_kind", "status_code")
    series = ("shop", "GET /a", "SPAN_KIND_SERVER", "STATUS_CODE_ERROR")
    assert values_of(families, CALLS, *labels) == {series: 2}
    assert values_of(families, f"{DURATION}_bucket", "le") == {("0.1",): 1, ("0.5",): 2, ("+Inf",): 2}
    assert values_of(families, f"{DURATION}_sum", *labels) == {series: pytest.approx(0.55)}
    assert values_of(families, f"{DURATION}_count", *labels) == {series: 2}


def test_kinds_that_are_not_configured_are_not_counted(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    kinds = ("SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL", "UNSPECIFIED")
    subject.accept(batch_of(*[span_of(kind=kind) for kind in kinds]))
    counted = values_of(shown(subject, 1000.0), CALLS, "span_kind")
    assert {kind for (kind,) in counted} == {f"SPAN_KIND_{kind}" for kind in kinds[:4]}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.booleans()), max_size=30), st.data())
def test_counts_are_exact_however_spans_are_split_into_batches(
    span_of: Any, batch_of: Any, values_of: Any, spans: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    def attributes(old: bool) -> dict[str, Any]:
        names = ("http.method", "http.status_code") if old else ("http.request.method", "http.response.status_code")
        return {names[0]: "GET", "http.route": "/x", names[1]: 200}

    built = [span_of(name, status=status, attributes=attributes(old)) for name, status, old in spans]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(built) - 1)), max_size=5)))
    subject = pipeline()
    for start, end in zip([0, *cuts], [*cuts, len(built)], strict=True):
        if built[start:end]:
            subject.accept(batch_of(*built[start:end]))
    families = shown(subject, 1000.0)
    assert sum(values_of(families, CALLS, "span_name", "status_code").values()) == len(spans)
    assert sum(values_of(families, REQUESTS, "route").values()) == len(spans)
    for name in "abc":
        per_status = values_of(families, CALLS, "span_name", "status_code")
        expected = sum(1 for item in spans if item[0] == name)
        assert sum(value for (span_name, _), value in per_status.items() if span_name == name) == expected


def test_old_and_new_attribute_names_are_one_series(span_of: Any, batch_of: Any, values_of: Any) -> None:
    new = {"http.request.method": "GET", "http.route": "/u/{id}", "http.response.status_code": 204}
    old = {"http.method": "GET", "http.route": "/u/{id}", "http.status_code": 200}
    subject = pipeline()
    subject.accept(batch_of(span_of(attributes=new), span_of(attributes=old)))
    found = values_of(shown(subject, 1000.0), REQUESTS, "service", "route", "method", "status_class")
    assert found == {("shop", "/u/{id}", "GET", "2xx"): 2}


def test_without_a_route_the_path_is_nowhere(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    path = {"http.request.method": "GET", "url.path": "/secret/1", "http.response.status_code": 404}
    subject.accept(batch_of(span_of("GET /secret/1", attributes=path), span_of("/secret/1", attributes=path)))
    samples = [sample for family in shown(subject, 1000.0) for sample in family.samples]
    assert not [sample for sample in samples if "secret" in str(sample.labels)]
    assert [sample for sample in samples if ("span_name", "GET (no route)") in sample.labels]


def test_unknown_methods_are_other(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    methods = ("get", "BREW", "x" * 500)
    subject.accept(batch_of(*[span_of(attributes={"http.request.method": method}) for method in methods]))
    found = values_of(shown(subject, 1000.0), REQUESTS, "method", "status_class")
    assert found == {("GET", "(none)"): 1, ("_OTHER", "(none)"): 2}


def test_a_resource_without_a_service_is_unknown(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(), service=None))
    assert values_of(shown(subject, 1000.0), CALLS, "service_name") == {("unknown_service",): 1}


@pytest.mark.parametrize(
    ("attributes", "name", "expected"),
    [
        ({"db.system.name": "postgresql", "db.operation.name": "SELECT", "db.collection.name": "users"}, "x", "users"),
        ({"db.system": "postgresql", "db.operation": "SELECT", "db.sql.table": "users"}, "x", "users"),
        ({"db.system": "postgresql", "db.statement": "SELECT 1"}, "SELECT", ""),
    ],
)
def test_database_operations_are_found_by_every_naming(
    span_of: Any, batch_of: Any, values_of: Any, attributes: dict[str, str], name: str, expected: str
) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(name, kind="CLIENT", attributes=attributes)))
    found = values_of(shown(subject, 1000.0), OPERATIONS, "service", "system", "operation", "collection")
    assert found == {("shop", "postgresql", "SELECT", expected): 1}


@pytest.mark.parametrize(
    ("kind", "code", "fails"),
    [("SERVER", 404, False), ("SERVER", 500, True), ("CLIENT", 404, True), ("CLIENT", 399, False)],
)
def test_a_http_status_fails_the_side_that_it_blames(
    span_of: Any, batch_of: Any, values_of: Any, kind: str, code: int, fails: bool
) -> None:
    subject = pipeline()
    attributes = {"http.request.method": "GET", "http.response.status_code": code}
    subject.accept(batch_of(span_of(kind=kind, attributes=attributes)))
    assert bool(values_of(shown(subject, 1000.0), ERRORS, "type")) is fails


def test_a_span_that_ends_before_it_starts_took_no_time(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(seconds=-5)))
    families = shown(subject, 1000.0)
    assert values_of(families, f"{DURATION}_sum", "span_name") == {("op",): 0}
    assert values_of(families, f"{DURATION}_bucket", "le")["0.005",] == 1


def test_an_exception_on_several_spans_of_a_trace_counts_once(span_of: Any, batch_of: Any, values_of: Any) -> None:
    def failed(trace_id: bytes, message: str, **more: Any) -> Any:
        event = ("exception", {"exception.type": "KeyError", "exception.message": message})
        return span_of(status=2, events=[event], trace_id=trace_id * 16, **more)

    subject = pipeline()
    subject.accept(batch_of(failed(b"1", "a", kind="INTERNAL", parent_span_id=b"request_")))
    subject.accept(batch_of(failed(b"1", "a", span_id=b"request_"), failed(b"1", "b"), failed(b"2", "a")))
    assert values_of(shown(subject, 1010.0), ERRORS, "service", "type") == {("shop", "KeyError"): 3}


def test_a_failed_span_without_an_exception_counts_by_its_error_type(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    typed = span_of(status=2, attributes={"error.type": "timeout"}, trace_id=b"1" * 16, message="too late")
    subject.accept(batch_of(typed, span_of(status=2, trace_id=b"2" * 16), span_of(status=1), span_of()))
    found = values_of(shown(subject, 1010.0), ERRORS, "type")
    assert found == {("timeout",): 1, ("(no exception)",): 1}


def test_an_exception_that_was_handled_is_no_error(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(events=[("exception", {"exception.type": "KeyError"})])))
    assert values_of(shown(subject, 1000.0), ERRORS, "type") == {}


def test_percentiles_are_those_of_the_durations(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    seconds = np.random.default_rng(1).lognormal(-3, 1, 1000).round(9)
    attributes = {"http.request.method": "GET", "http.route": "/a"}
    subject.accept(batch_of(*[span_of(seconds=value, attributes=attributes) for value in seconds.tolist()]))
    found = values_of(
        shown(subject, 1030.0),
        "sidecar_endpoint_latency_seconds",
        "service",
        "method",
        "route",
        "window",
        "quantile",
    )
    for window in ("1m", "5m", "1h", "24h"):
        for quantile in ("0.5", "0.9", "0.95", "0.99", "0.999"):
            expected = np.quantile(seconds, float(quantile), method="inverted_cdf")
            assert found["shop", "GET", "/a", window, quantile] == pytest.approx(expected, rel=0.011)


def test_percentiles_of_a_past_window_are_absent(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("job", kind="CONSUMER"), span_of("call", kind="CLIENT"), now=1000.0))
    families = shown(subject, 1100.0)
    assert set(values_of(families, "sidecar_endpoint_latency_seconds", "route", "window")) == {
        ("job", "5m"),
        ("job", "1h"),
        ("job", "24h"),
    }
    assert set(values_of(families, "sidecar_dependency_latency_seconds", "span_name", "window")) == {
        ("call", "5m"),
        ("call", "1h"),
        ("call", "24h"),
    }


def test_beyond_its_limit_a_service_has_one_overflow_series_and_others_their_own(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(max_series_per_service=2)
    subject.accept(batch_of(*[span_of(f"n{number}") for number in range(10)], service="loud"))
    subject.accept(batch_of(span_of("n"), service="quiet"))
    families = shown(subject, 1000.0)
    assert values_of(families, CALLS, "service_name", "span_name", "otel_metric_overflow") == {
        ("loud", "n0", ""): 1,
        ("loud", "n1", ""): 1,
        ("loud", "", "true"): 8,
        ("quiet", "n", ""): 1,
    }
    lost = values_of(families, OVERFLOWED, "metric")
    assert lost[CALLS,] == 8
    assert lost["sidecar_endpoint_latency_seconds",] == 8


def test_beyond_the_limit_of_services_one_series_takes_the_rest(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(max_services=2)
    for number in range(5):
        subject.accept(batch_of(span_of(status=2, trace_id=b"%016d" % number), service=f"s{number}"))
    families = shown(subject, 1010.0)
    assert values_of(families, CALLS, "service_name") == {("s0",): 1, ("s1",): 1, ("",): 3}
    assert values_of(families, ERRORS, "service") == {("s0",): 1, ("s1",): 1, ("",): 3}


def test_what_is_forgotten_to_save_memory_does_not_change_counts(
    span_of: Any, batch_of: Any, values_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observe, "_SHAPES", 3)
    monkeypatch.setattr(observe, "_RESOURCES", 1)
    subject = pipeline()
    for number in range(40):
        subject.accept(batch_of(span_of(f"n{number % 7}"), service=f"s{number % 3}"))
    found = values_of(shown(subject, 1000.0), CALLS, "service_name", "span_name")
    expected = {(f"s{number % 3}", f"n{number % 7}"): 0 for number in range(40)}
    for number in range(40):
        expected[f"s{number % 3}", f"n{number % 7}"] += 1
    assert found == expected


def test_a_megabyte_of_a_name_is_cut_and_not_remembered(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("x" * (1 << 20)), span_of("x" * (1 << 20))))
    assert values_of(shown(subject, 1000.0), CALLS, "span_name") == {("x" * 256,): 2}


def test_the_order_of_attributes_does_not_matter(span_of: Any, batch_of: Any, values_of: Any) -> None:
    attributes = {"http.request.method": "GET", "http.route": "/a", "http.response.status_code": 200}
    backwards = dict(reversed(attributes.items()))
    subject = pipeline()
    subject.accept(batch_of(span_of(attributes=attributes), span_of(attributes=backwards)))
    assert values_of(shown(subject, 1000.0), REQUESTS, "route") == {("/a",): 2}


def test_families_name_their_labels(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(status=2, attributes={"http.request.method": "GET"})))
    for item in shown(subject, 1000.0):
        for sample in item.samples:
            assert {label for label, _ in sample.labels} <= {*item.family.labels, "le"}


def feed_many_shapes(subject: Pipeline, span_of: Any, batch_of: Any, services: int, number: range) -> None:
    """Feed spans that make every metric grow: a route, an operation and an error type each."""
    for service in range(services):
        served = [
            span_of(f"GET /{n}", attributes={"http.request.method": "GET", "http.route": f"/{n}"}) for n in number
        ]
        query = {"db.system.name": "postgresql", "db.operation.name": "SELECT"}
        called = [span_of(f"S {n}", kind="CLIENT", attributes={**query, "db.collection.name": f"t{n}"}) for n in number]
        failed = [
            span_of(status=2, attributes={"error.type": f"E{n}"}, trace_id=b"%08d%08d" % (service, n)) for n in number
        ]
        subject.accept(batch_of(*served, *called, *failed, service=f"s{service}"))


def test_what_spans_become_comes_in_parts_that_are_a_small_step_each(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    feed_many_shapes(subject, span_of, batch_of, 1, range(200))
    sizes = [len(item.samples) for item in shown(subject, 1000.0)]
    assert sum(sizes) > 10_000
    assert max(sizes) <= PART_SAMPLES


def test_batches_between_two_parts_do_not_tear_a_histogram(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    batch = batch_of(*[span_of(f"n{number}") for number in range(150)])
    subject.accept(batch)
    families = []
    for part in subject.families(1000.0):
        families.append(part)
        subject.accept(batch)
    assert set(values_of(families, f"{DURATION}_bucket", "span_name", "le").values()) <= {0, 1}
    assert set(values_of(families, f"{DURATION}_count", "span_name").values()) == {1}


def test_all_metrics_together_keep_to_their_budget_and_count_what_is_over_it(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(max_samples=2000)
    feed_many_shapes(subject, span_of, batch_of, 5, range(60))
    families = shown(subject, 1100.0)
    set_aside = 300  # for errors, slow queries and findings, which are fewer here
    assert 1900 - set_aside < sum(len(item.samples) for item in families) <= 2000
    assert sum(values_of(families, CALLS, "service_name", "span_name", "otel_metric_overflow").values()) == 5 * 180
    errors_of = values_of(families, ERRORS, "service", "type", "otel_metric_overflow")
    assert sum(errors_of.values()) == 5 * 60
    assert sum(1 for series in errors_of if "E" in series[1]) > 100
    lost = values_of(families, OVERFLOWED, "metric")
    calls = values_of(families, CALLS, "service_name", "span_name", "otel_metric_overflow")
    assert lost[CALLS,] == sum(value for (_, _, over), value in calls.items() if over) > 0


def test_by_default_no_number_of_services_and_routes_fills_the_head(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    feed_many_shapes(subject, span_of, batch_of, 12, range(250))
    most = HeadConfig().max_series
    assert sum(len(item.samples) for item in shown(subject, 1000.0)) <= SpansConfig().max_samples <= most // 2


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_resource_is_looked_into_once_for_all_its_scopes(
    span_of: Any, values_of: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    looked_at: list[bytes] = []

    def record(raw: bytes) -> list[bytes]:
        looked_at.append(raw)
        return resource_attributes(raw)

    monkeypatch.setattr(origin, "resource_attributes", record)
    resource = Resource(attributes=attributes({"service.name": "big", "command": "x" * size}))
    scopes = [ScopeSpans(spans=[span_of()])] * 20
    one = ResourceSpans(resource=resource, scope_spans=scopes)
    body = ExportTraceServiceRequest(resource_spans=[one]).SerializeToString()
    subject = pipeline()
    for batch in SpanBatches(body, 1000.0):
        subject.accept(batch)
    assert len(looked_at) == 1
    assert values_of(shown(subject, 1000.0), CALLS, "service_name") == {("big",): 20}


def test_of_an_exception_that_a_span_below_told_only_the_type_is_decoded(
    span_of: Any, batch_of: Any, values_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []

    def record(raw: Iterable[bytes]) -> Any:
        decoded.extend(raw := list(raw))
        return attributes_of(raw)

    exception = {"exception.type": "E", "exception.message": "m" * 100, "exception.stacktrace": "s" * 100_000}
    settings = {"status": 2, "events": [("exception", exception)], "trace_id": b"1" * 16}
    request = span_of(span_id=b"request_", **settings)
    monkeypatch.setattr(exceptions, "attributes_of", record)
    subject = pipeline()
    subject.accept(batch_of(span_of(kind="INTERNAL", parent_span_id=b"request_", **settings), request))
    assert decoded == []
    assert values_of(shown(subject, 1010.0), ERRORS, "type") == {("E",): 1}
    assert sum(len(raw) > 50_000 for raw in decoded) == 1


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0), (0.0, 1.0)])
def test_bounds_that_do_not_rise_from_above_zero_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="buckets_seconds"):
        SpansConfig(buckets_seconds=bounds)
