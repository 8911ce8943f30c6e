"""Our own metrics as OTLP metrics: what Prometheus would make of them again is what they were."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary

from sidecar.deliver.telemetry.bridge import MetricSource, metrics_data, points_in
from sidecar.model.steps import finished
from sidecar.runtime.meter import Meter, platform_collectors

STARTED_AT, NOW = 1_600_000_000.0, 1_700_000_000.0
SOURCE = MetricSource(Resource({"service.name": "sidecar"}), InstrumentationScope("sidecar"), STARTED_AT)


def sent(registry: CollectorRegistry) -> Mapping[str, Metric]:
    """Return the metrics as they leave, by name."""
    request = encode_metrics(finished(metrics_data(registry.collect(), SOURCE, NOW)))
    (scope,) = request.resource_metrics[0].scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def samples_again(metrics: Mapping[str, Metric]) -> Iterator[tuple[str, frozenset[tuple[str, str]], float]]:
    """Yield name, labels and value of what a receiver that speaks Prometheus' format would show."""
    for name, metric in metrics.items():
        for number in (*metric.sum.data_points, *metric.gauge.data_points):
            yield name, labels(number.attributes), number.as_double
        for point in metric.histogram.data_points:
            bounds = [*point.explicit_bounds, float("inf")]
            yield f"{name}_count", labels(point.attributes), point.count
            yield f"{name}_sum", labels(point.attributes), point.sum
            for bound, total in zip(bounds, accumulate(point.bucket_counts), strict=True):
                yield f"{name}_bucket", labels(point.attributes) | {("le", str(bound))}, total


def labels(pairs: object) -> frozenset[tuple[str, str]]:
    return frozenset((pair.key, pair.value.string_value) for pair in pairs)  # type: ignore[attr-defined]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 20))),
    st.dictionaries(st.sampled_from("abc"), st.floats(0, 1e9)),
    st.floats(allow_nan=False),
)
def test_every_sample_survives_the_way_there_and_back(
    observed: list[tuple[str, float]], counted: dict[str, float], level: float
) -> None:
    meter = Meter(registry := CollectorRegistry())
    for label, seconds in observed:
        meter.histogram("took_seconds", "Time.", ["kind"]).labels(label).observe(seconds)
    for label, count in counted.items():
        meter.counter("made_total", "Things.", ["kind"]).labels(label).inc(count)
    meter.gauge("level", "Level.").set(level)
    ours = {
        (sample.name, frozenset((name, bound(name, value)) for name, value in sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    assert {(name, pairs): value for name, pairs, value in samples_again(sent(registry))} == ours


def bound(name: str, value: str) -> str:
    return str(float(value)) if name == "le" else value


def test_types_are_kept_and_nothing_is_made_up() -> None:
    registry = CollectorRegistry()
    Counter("made", "Things made.", registry=registry).inc(2)
    Gauge("level", "How high.", registry=registry).set(-1)
    Histogram("took_seconds", "How long.", buckets=(1, 5), registry=registry).observe(3)
    Info("build", "What it is.", registry=registry).info({"version": "1"})
    Enum("state", "How it is.", states=["on", "off"], registry=registry)
    Summary("size_bytes", "How large.", registry=registry).observe(9)
    metrics = sent(registry)
    kinds = {name: metric.WhichOneof("data") for name, metric in metrics.items()}
    assert kinds == {
        "made_total": "sum",
        "level": "gauge",
        "took_seconds": "histogram",
        "build_info": "gauge",
        "state": "gauge",
        "size_bytes_count": "gauge",
        "size_bytes_sum": "gauge",
    }
    assert metrics["made_total"].sum.is_monotonic
    (point,) = metrics["took_seconds"].histogram.data_points
    assert (list(point.bucket_counts), list(point.explicit_bounds)) == ([0, 1, 0], [1, 5])
    assert (point.HasField("min"), point.HasField("max")) == (False, False)
    assert (metrics["made_total"].description, metrics["made_total"].unit) == ("Things made.", "")


def test_a_counter_begins_when_its_series_was_made_or_else_with_the_process() -> None:
    registry = CollectorRegistry()
    series = Counter("made", "Things made.", ["kind"], registry=registry).labels("a")
    Meter(registry).read_total("elsewhere_total", "Kept elsewhere.", lambda: 1)
    metrics = sent(registry)
    created = series._created
    assert metrics["made_total"].sum.data_points[0].start_time_unix_nano == round(created * 1e9)
    assert metrics["elsewhere_total"].sum.data_points[0].start_time_unix_nano == STARTED_AT * 1e9
    assert metrics["made_total"].sum.data_points[0].time_unix_nano == NOW * 1e9


def test_what_the_platform_tells_is_sent_too_one_family_at_a_step() -> None:
    registry = CollectorRegistry()
    platform_collectors(registry)
    steps = metrics_data(registry.collect(), SOURCE, NOW)
    assert sum(1 for _ in steps) == sum(1 for _ in registry.collect())
    assert {"process_cpu_seconds_total", "python_info"} <= sent(registry).keys()
    data = finished(metrics_data(registry.collect(), SOURCE, NOW))
    assert points_in(data) == sum(len(family.samples) for family in registry.collect())
