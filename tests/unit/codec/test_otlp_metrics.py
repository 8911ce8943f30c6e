"""OTLP metrics bodies: the slim schema against the official messages, cuts, and hostile bytes."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
    Summary,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sidecar.codec.otlp import metrics, runs
from sidecar.codec.otlp.attributes import attributes_of, resource_attributes
from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.codec.otlp.schema import Scope
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError
from sidecar.model.metric import MetricBatch
from tests.unit.codec.test_otlp import ATTRIBUTES, TEXT, U64, plain_attributes

COUNTS = st.lists(U64, max_size=4)
FLOATS = st.floats(allow_nan=False)
TEMPORALITY = st.integers(0, 2)
TIMES = {"time_unix_nano": U64, "attributes": ATTRIBUTES, "flags": st.integers(0, 1)}

NUMBERS = st.one_of(
    st.builds(NumberDataPoint, as_double=FLOATS, **TIMES),
    st.builds(NumberDataPoint, as_int=st.integers(-(2**63), 2**63 - 1), **TIMES),
    st.builds(NumberDataPoint, **TIMES),
)
HISTOGRAMS = st.builds(
    HistogramDataPoint,
    count=U64,
    sum=st.none() | FLOATS,
    bucket_counts=COUNTS,
    explicit_bounds=st.lists(FLOATS, max_size=3),
    **TIMES,
)
BUCKETS = st.builds(
    ExponentialHistogramDataPoint.Buckets, offset=st.integers(-(2**31), 2**31 - 1), bucket_counts=COUNTS
)
EXPONENTIALS = st.builds(
    ExponentialHistogramDataPoint,
    count=U64,
    sum=st.none() | FLOATS,
    scale=st.integers(-20, 20),
    zero_count=U64,
    zero_threshold=FLOATS,
    positive=BUCKETS,
    negative=BUCKETS,
    **TIMES,
)
SUMMARIES = st.builds(
    SummaryDataPoint,
    count=U64,
    sum=FLOATS,
    quantile_values=st.lists(st.builds(SummaryDataPoint.ValueAtQuantile, quantile=FLOATS, value=FLOATS), max_size=3),
    **TIMES,
)


def metric(name: str, data: Any) -> st.SearchStrategy[Metric]:
    return st.builds(Metric, name=TEXT, description=TEXT, unit=TEXT, **{name: data})


METRICS = st.one_of(
    metric("gauge", st.builds(Gauge, data_points=st.lists(NUMBERS, max_size=3))),
    metric(
        "sum",
        st.builds(
            Sum,
            data_points=st.lists(NUMBERS, max_size=3),
            aggregation_temporality=TEMPORALITY,
            is_monotonic=st.booleans(),
        ),
    ),
    metric(
        "histogram",
        st.builds(Histogram, data_points=st.lists(HISTOGRAMS, max_size=3), aggregation_temporality=TEMPORALITY),
    ),
    metric(
        "exponential_histogram",
        st.builds(
            ExponentialHistogram, data_points=st.lists(EXPONENTIALS, max_size=3), aggregation_temporality=TEMPORALITY
        ),
    ),
    metric("summary", st.builds(Summary, data_points=st.lists(SUMMARIES, max_size=3))),
    st.builds(Metric, name=TEXT),
)
REQUESTS = st.builds(
    ExportMetricsServiceRequest,
    resource_metrics=st.lists(
        st.builds(
            lambda attributes, scopes: {
                "resource": {"attributes": attributes},
                "scope_metrics": [{"scope": {"name": name}, "metrics": found} for name, found in scopes],
            },
            ATTRIBUTES,
            st.lists(st.tuples(TEXT, st.lists(METRICS, max_size=3)), max_size=3),
        ),
        max_size=3,
    ),
)

_FIELDS = (
    *("time_unix_nano", "flags", "as_double", "as_int", "count", "scale", "zero_count", "zero_threshold"),
    *("bucket_counts", "explicit_bounds"),
)


def facts(point: Any) -> dict[str, Any]:
    """Return what a point of any kind says, ours or the official one."""
    found = {name: getattr(point, name) for name in _FIELDS if hasattr(point, name)}
    found |= {name: list(found[name]) for name in ("bucket_counts", "explicit_bounds") if name in found}
    for side in ("positive", "negative"):
        if hasattr(point, side):
            found[side] = getattr(point, side).offset, list(getattr(point, side).bucket_counts)
    if hasattr(point, "quantile_values"):
        found["quantiles"] = [(item.quantile, item.value) for item in point.quantile_values]
    if hasattr(point, "sum"):
        is_optional = point.DESCRIPTOR.fields_by_name["sum"].has_presence
        found["sum"] = point.sum if not is_optional or point.HasField("sum") else None
    return found


def official(request: ExportMetricsServiceRequest) -> list[Any]:
    return [
        (
            plain_attributes(of_resource.resource.attributes),
            of_scope.scope.name,
            (found.name, found.description, found.unit, found.WhichOneof("data")),
            plain_attributes(point.attributes),
            facts(point),
        )
        for of_resource in request.resource_metrics
        for of_scope in of_resource.scope_metrics
        for found in of_scope.metrics
        if (kind := found.WhichOneof("data"))
        for point in getattr(found, kind).data_points
    ]


def ours(body: bytes) -> list[Any]:
    return [
        (
            attributes_of(resource_attributes(group.resource)),
            Scope.FromString(group.scope).name.decode(),
            (*(text.decode() for text in group.metric[:3]), group.metric.kind.name.lower()),
            attributes_of(point.attributes),
            facts(point),
        )
        for batch in MetricBatches(body, 0.0)
        for group in batch.groups
        for point in group.points
    ]


def body_of(*found: Metric, scope: InstrumentationScope | None = None) -> bytes:
    of_resource = ResourceMetrics(scope_metrics=[ScopeMetrics(metrics=found, scope=scope)])
    return ExportMetricsServiceRequest(resource_metrics=[of_resource]).SerializeToString()


def gauge(*points: NumberDataPoint, name: str = "g") -> Metric:
    return Metric(name=name, gauge=Gauge(data_points=points))


def many(count: int, filler: int = 0) -> Metric:
    filling = [KeyValue(key="x" * filler)] if filler else []
    return gauge(*[NumberDataPoint(as_int=number, attributes=filling) for number in range(count)])


@given(REQUESTS)
def test_the_slim_schema_reads_what_the_official_messages_hold(request_: ExportMetricsServiceRequest) -> None:
    assert ours(request_.SerializeToString()) == official(request_)


@given(REQUESTS)
def test_cuts_at_every_size_lose_and_repeat_nothing(request_: ExportMetricsServiceRequest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "BATCH_POINTS", 2)
        patch.setattr(metrics, "BATCH_BYTES", 500)
        patch.setattr(metrics, "RUN_BYTES", 400)
        patch.setattr(runs, "RUN_BYTES", 400)
        assert ours(request_.SerializeToString()) == official(request_)


@given(st.binary(max_size=200))
def test_any_bytes_are_points_or_a_senders_mistake(body: bytes) -> None:
    try:
        list(MetricBatches(body, 0.0))
    except SenderError:
        pass


def test_a_body_cut_off_within_a_field_is_refused() -> None:
    body = body_of(gauge(NumberDataPoint(as_int=1)), gauge(NumberDataPoint(as_double=2), name="other"))
    for length in range(1, len(body)):
        with pytest.raises(MalformedInputError):
            list(MetricBatches(body[:length], 0.0))


def numbers_in(batches: Iterable[MetricBatch]) -> list[int]:
    points = (point for batch in batches for group in batch.groups for point in group.points)
    return [cast("NumberDataPoint", point).as_int for point in points]


@pytest.mark.parametrize("filler", [0, 300])
def test_a_metric_of_any_length_gives_all_its_points_in_small_batches(filler: int) -> None:
    sum_ = Metric(name="s", unit="s", sum=Sum(is_monotonic=True, aggregation_temporality=2))  # type: ignore[arg-type]
    sum_.sum.data_points.extend(many(3000, filler).gauge.data_points)
    body = body_of(sum_, gauge(NumberDataPoint(as_int=7)), scope=InstrumentationScope(name="lib"))
    batches = list(MetricBatches(body, 0.0))
    assert max(map(len, batches)) == 100
    groups = [group for batch in batches for group in batch.groups]
    assert numbers_in(batches) == [*range(3000), 7]
    assert {group.metric[2:] for group in groups[:-1]} == {(b"s", 7, 2, True)}
    assert {Scope.FromString(group.scope).name for group in groups} == {b"lib"}


def test_of_a_long_metric_a_point_that_is_longer_than_a_run_is_left_out() -> None:
    large = NumberDataPoint(as_int=1, attributes=[KeyValue(key="x" * (256 << 10))])
    batches = MetricBatches(body_of(gauge(NumberDataPoint(as_int=0), large, NumberDataPoint(as_int=2))), 0.0)
    assert numbers_in(batches) == [0, 2]
    assert batches.rejected == 1


@pytest.mark.parametrize("part", ["description", "scope"])
def test_a_long_metric_or_scope_without_points_is_refused(part: str) -> None:
    text = "x" * (300 << 10)
    body = body_of(Metric(description=text)) if part == "description" else b""
    body = body or body_of(gauge(), scope=InstrumentationScope(name=text))
    with pytest.raises(TooLargeError, match="limit"):
        list(MetricBatches(body, 0.0))


def test_of_a_point_with_many_attributes_the_first_stay_and_the_others_are_counted() -> None:
    point = NumberDataPoint(as_int=1, attributes=[KeyValue(key=f"key{number}" * 3) for number in range(300)])
    batches = MetricBatches(body_of(gauge(point)), 0.0)
    ((found,),) = [group.points for batch in batches for group in batch.groups]
    assert len(found.attributes) == 256
    assert batches.skipped == {"attributes": 44}


def test_millions_of_empty_metrics_are_walked_in_small_steps() -> None:
    assert sum(1 for _ in MetricBatches(body_of(*[Metric()] * 50_000), 0.0)) >= 50
    assert sum(1 for _ in MetricBatches(b"\x0a\x00" * 100_000, 0.0)) >= 50


def test_more_messages_or_points_than_real_ones_could_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MESSAGES", 1000)
    monkeypatch.setattr(metrics, "MESSAGES", 1000)
    for body in (b"\x0a\x00" * 1001, body_of(*[Metric()] * 1001), body_of(many(1001))):
        with pytest.raises(TooLargeError, match="1000"):
            list(MetricBatches(body, 0.0))


def test_a_resource_over_four_mebibytes_is_refused() -> None:
    resource = Resource(attributes=[KeyValue(key="x" * (4 << 20))])
    body = ExportMetricsServiceRequest(resource_metrics=[ResourceMetrics(resource=resource)]).SerializeToString()
    with pytest.raises(TooLargeError, match="4194304"):
        list(MetricBatches(body, 0.0))


def test_text_that_is_not_utf_8_does_not_lose_the_batch() -> None:
    body = body_of(gauge(NumberDataPoint(as_int=1), name="BAD!")).replace(b"BAD!", b"\xff\xfe\xfd\xfc")
    ((group,),) = [batch.groups for batch in MetricBatches(body, 0.0)]
    assert group.metric.name == b"\xff\xfe\xfd\xfc"
