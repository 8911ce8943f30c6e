"""Attributes that become labels."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from sidecar.codec.otlp.traces import SpanBatches
from tests.unit.spans.conftest import attributes
from tests.unit.spans.pipelines import CALLS, DURATION, REQUESTS, pipeline, shown

VERSION = {"name": "service.version"}


def body_of(resource: dict[str, Any], *spans: Any) -> bytes:
    of_resource = ResourceSpans(
        resource=Resource(attributes=attributes({"service.name": "shop", **resource})),
        scope_spans=[ScopeSpans(spans=spans)],
    )
    return ExportTraceServiceRequest(resource_spans=[of_resource]).SerializeToString()


def accept(subject: Any, *bodies: bytes) -> None:
    for body in bodies:
        for batch in SpanBatches(body, 1000.0):
            subject.accept(batch)


def test_the_value_is_the_spans_else_the_resources_else_the_default(span_of: Any, values_of: Any) -> None:
    subject = pipeline(dimensions=[{"name": "tenant", "default": "nobody"}])
    accept(
        subject,
        body_of({"tenant": "r"}, span_of(attributes={"tenant": "s"}), span_of()),
        body_of({}, span_of(attributes={"tenant": "s"}), span_of()),
    )
    families = shown(subject, 1000.0)
    assert values_of(families, CALLS, "tenant") == {("s",): 2, ("r",): 1, ("nobody",): 1}
    assert values_of(families, f"{DURATION}_count", "tenant") == {("s",): 2, ("r",): 1, ("nobody",): 1}


def test_without_a_value_or_default_there_is_no_label(span_of: Any) -> None:
    subject = pipeline(dimensions=[VERSION])
    accept(subject, body_of({}, span_of()))
    families = [item for item in shown(subject, 1000.0) if item.family.name == CALLS]
    assert not any("service_version" in dict(sample.labels) for item in families for sample in item.samples)


def test_resources_that_differ_only_in_a_dimension_are_told_apart(span_of: Any, values_of: Any) -> None:
    subject = pipeline(dimensions=[VERSION])
    accept(subject, *[body_of({"service.version": version}, span_of()) for version in ("1", "2", "1")])
    assert values_of(shown(subject, 1000.0), CALLS, "service_version") == {("1",): 2, ("2",): 1}


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), ("x", "x")])
def test_values_of_every_type_become_text(span_of: Any, values_of: Any, value: Any, text: str) -> None:
    subject = pipeline(dimensions=[{"name": "app.flag"}])
    accept(subject, body_of({}, span_of(attributes={"app.flag": value})))
    assert values_of(shown(subject, 1000.0), CALLS, "app_flag") == {(text,): 1}


def test_dimensions_are_on_the_span_metrics_of_any_names_and_not_on_the_sidecars_own(
    span_of: Any, values_of: Any
) -> None:
    http = {"http.request.method": "GET", "http.route": "/a", "tenant": "t"}
    for names, name in (
        ("collector_ms", CALLS),
        ("tempo", "traces_spanmetrics_calls_total"),
        ("semconv", "http_server_request_duration_seconds_count"),
    ):
        subject = pipeline(names=names, dimensions=[{"name": "tenant"}])
        accept(subject, body_of({}, span_of(attributes=http)))
        families = shown(subject, 1000.0)
        assert values_of(families, name, "tenant") == {("t",): 1}
        assert values_of(families, REQUESTS, "tenant") == {("",): 1}


def test_a_million_characters_of_a_dimension_are_cut(span_of: Any, values_of: Any) -> None:
    subject = pipeline(dimensions=[{"name": "tenant"}])
    accept(subject, body_of({}, span_of(attributes={"tenant": "x" * 1_000_000})))
    assert values_of(shown(subject, 1000.0), CALLS, "tenant") == {("x" * 256,): 1}


def test_many_values_of_a_dimension_keep_to_the_limit_of_the_service(span_of: Any, values_of: Any) -> None:
    subject = pipeline(dimensions=[{"name": "user"}], max_series_per_service=5)
    accept(subject, body_of({}, *[span_of(attributes={"user": f"u{number}"}) for number in range(300)]))
    found = values_of(shown(subject, 1000.0), CALLS, "user", "otel_metric_overflow")
    assert found == {**{(f"u{number}", ""): 1 for number in range(5)}, ("", "true"): 295}


@pytest.mark.parametrize(
    ("name", "label"), [("http.method", "http_method"), ("1st-ä", "_1st__"), ("ok_1", "ok_1"), ("a:b", "a_b")]
)
def test_the_label_has_only_what_labels_may_have(span_of: Any, values_of: Any, name: str, label: str) -> None:
    subject = pipeline(dimensions=[{"name": name, "default": "x"}])
    accept(subject, body_of({}, span_of()))
    assert values_of(shown(subject, 1000.0), CALLS, label) == {("x",): 1}


@pytest.mark.parametrize(
    "names", [["span.name"], ["le"], ["a.b", "a_b"], ["__x"], ["service.name"], ["job"], [""], ["x"] * 17]
)
def test_dimensions_that_would_be_taken_labels_or_are_too_many_are_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        pipeline(dimensions=[{"name": name} for name in names])


def test_values_that_are_no_texts_stay_apart(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(dimensions=[{"name": "x"}])
    spans = []
    for value in (AnyValue(bytes_value=b"\xff"), AnyValue(bytes_value=b"\xfe"), AnyValue(double_value=float("nan"))):
        for listed in (False, True):
            span = span_of()
            added = span.attributes.add(key="x").value
            (added.array_value.values.add() if listed else added).CopyFrom(value)
            spans.append(span)
    subject.accept(batch_of(*spans))
    found = {label for (label,) in values_of(shown(subject, 1000.0), CALLS, "x")}
    assert found == {"/w==", '["/w=="]', "/g==", '["/g=="]', "NaN", '["NaN"]'}
