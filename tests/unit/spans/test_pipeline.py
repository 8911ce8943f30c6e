"""Derived metrics: exact counts, names and labels, the rules for errors and routes, limits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.spans import observe
from sidecar.spans.config import SpansConfig
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.stages import STAGES

CALLS = "traces_span_metrics_calls_total"
DURATION = "traces_span_metrics_duration_seconds"
REQUESTS = "sidecar_http_server_requests_total"
OPERATIONS = "sidecar_db_client_operations_total"
ERRORS = "sidecar_errors_total"
OVERFLOWED = "sidecar_spans_overflowed_total"


def pipeline(**settings: Any) -> Pipeline:
    config = SpansConfig(**settings)
    return Pipeline(config, [stage(config) for stage in STAGES])


def test_a_span_is_counted_and_timed_under_the_collectors_names(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1, 0.5))
    subject.accept(batch_of(span_of("GET /a", seconds=0.5, status=2), span_of("GET /a", seconds=0.05, status=2)))
    families = subject.families(1000.0)
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
    counted = values_of(subject.families(1000.0), CALLS, "span_kind")
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
    families = subject.families(1000.0)
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
    found = values_of(subject.families(1000.0), REQUESTS, "service", "route", "method", "status_class")
    assert found == {("shop", "/u/{id}", "GET", "2xx"): 2}


def test_without_a_route_the_path_is_nowhere(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    path = {"http.request.method": "GET", "url.path": "/secret/1", "http.response.status_code": 404}
    subject.accept(batch_of(span_of("GET /secret/1", attributes=path), span_of("/secret/1", attributes=path)))
    samples = [sample for family in subject.families(1000.0) for sample in family.samples]
    assert not [sample for sample in samples if "secret" in str(sample.labels)]
    assert [sample for sample in samples if ("span_name", "GET (no route)") in sample.labels]


def test_unknown_methods_are_other(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    methods = ("get", "BREW", "x" * 500)
    subject.accept(batch_of(*[span_of(attributes={"http.request.method": method}) for method in methods]))
    found = values_of(subject.families(1000.0), REQUESTS, "method", "status_class")
    assert found == {("GET", "(none)"): 1, ("_OTHER", "(none)"): 2}


def test_a_resource_without_a_service_is_unknown(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(), service=None))
    assert values_of(subject.families(1000.0), CALLS, "service_name") == {("unknown_service",): 1}


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
    found = values_of(subject.families(1000.0), OPERATIONS, "service", "system", "operation", "collection")
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
    assert bool(values_of(subject.families(1000.0), ERRORS, "type")) is fails


def test_a_span_that_ends_before_it_starts_took_no_time(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(seconds=-5)))
    families = subject.families(1000.0)
    assert values_of(families, f"{DURATION}_sum", "span_name") == {("op",): 0}
    assert values_of(families, f"{DURATION}_bucket", "le")["0.005",] == 1


def test_an_exception_on_several_spans_of_a_trace_counts_once(span_of: Any, batch_of: Any, values_of: Any) -> None:
    def failed(trace_id: bytes, message: str, kind: str = "SERVER") -> Any:
        event = ("exception", {"exception.type": "KeyError", "exception.message": message})
        return span_of(kind=kind, status=2, events=[event], trace_id=trace_id)

    subject = pipeline()
    subject.accept(batch_of(failed(b"1", "a", "INTERNAL"), failed(b"1", "a")))
    subject.accept(batch_of(failed(b"1", "a"), failed(b"1", "b"), failed(b"2", "a")))
    assert values_of(subject.families(1000.0), ERRORS, "service", "type") == {("shop", "KeyError"): 3}


def test_a_failed_span_without_an_exception_counts_by_its_error_type(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    typed = span_of(status=2, attributes={"error.type": "timeout"}, trace_id=b"1", message="too late")
    subject.accept(batch_of(typed, span_of(status=2, trace_id=b"2"), span_of(status=1), span_of()))
    found = values_of(subject.families(1000.0), ERRORS, "type")
    assert found == {("timeout",): 1, ("(no exception)",): 1}


def test_an_exception_that_was_handled_is_no_error(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(events=[("exception", {"exception.type": "KeyError"})])))
    assert values_of(subject.families(1000.0), ERRORS, "type") == {}


def test_percentiles_are_those_of_the_durations(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    seconds = np.random.default_rng(1).lognormal(-3, 1, 1000).round(9)
    attributes = {"http.request.method": "GET", "http.route": "/a"}
    subject.accept(batch_of(*[span_of(seconds=value, attributes=attributes) for value in seconds.tolist()]))
    found = values_of(
        subject.families(1030.0), "sidecar_endpoint_latency_seconds", "service", "method", "route", "window", "quantile"
    )
    for window in ("1m", "5m", "1h"):
        for quantile in ("0.5", "0.9", "0.95", "0.99", "0.999"):
            expected = np.quantile(seconds, float(quantile), method="inverted_cdf")
            assert found["shop", "GET", "/a", window, quantile] == pytest.approx(expected, rel=0.011)


def test_percentiles_of_a_past_window_are_absent(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("job", kind="CONSUMER"), span_of("call", kind="CLIENT"), now=1000.0))
    families = subject.families(1100.0)
    assert set(values_of(families, "sidecar_endpoint_latency_seconds", "route", "window")) == {
        ("job", "5m"),
        ("job", "1h"),
    }
    assert set(values_of(families, "sidecar_dependency_latency_seconds", "span_name", "window")) == {
        ("call", "5m"),
        ("call", "1h"),
    }


def test_beyond_its_limit_a_service_has_one_overflow_series_and_others_their_own(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(max_series_per_service=2)
    subject.accept(batch_of(*[span_of(f"n{number}") for number in range(10)], service="loud"))
    subject.accept(batch_of(span_of("n"), service="quiet"))
    families = subject.families(1000.0)
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
        subject.accept(batch_of(span_of(status=2, trace_id=bytes([number])), service=f"s{number}"))
    families = subject.families(1000.0)
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
    found = values_of(subject.families(1000.0), CALLS, "service_name", "span_name")
    expected = {(f"s{number % 3}", f"n{number % 7}"): 0 for number in range(40)}
    for number in range(40):
        expected[f"s{number % 3}", f"n{number % 7}"] += 1
    assert found == expected


def test_a_megabyte_of_a_name_is_cut_and_not_remembered(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("x" * (1 << 20)), span_of("x" * (1 << 20))))
    assert values_of(subject.families(1000.0), CALLS, "span_name") == {("x" * 256,): 2}


def test_the_order_of_attributes_does_not_matter(span_of: Any, batch_of: Any, values_of: Any) -> None:
    attributes = {"http.request.method": "GET", "http.route": "/a", "http.response.status_code": 200}
    backwards = dict(reversed(attributes.items()))
    subject = pipeline()
    subject.accept(batch_of(span_of(attributes=attributes), span_of(attributes=backwards)))
    assert values_of(subject.families(1000.0), REQUESTS, "route") == {("/a",): 2}


def test_each_family_appears_once_and_names_its_labels(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(status=2, attributes={"http.request.method": "GET"})))
    families = subject.families(1000.0)
    names = [item.family.name for item in families]
    assert sorted(names) == sorted(set(names))
    for item in families:
        for sample in item.samples:
            assert {label for label, _ in sample.labels} <= {*item.family.labels, "le"}


@pytest.mark.parametrize("bounds", [(), (1.0, 1.0), (2.0, 1.0), (0.0, 1.0)])
def test_bounds_that_do_not_rise_from_above_zero_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="buckets_seconds"):
        SpansConfig(buckets_seconds=bounds)
