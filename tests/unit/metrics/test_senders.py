"""What real senders send: the official example, and the OpenTelemetry SDK."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from tests.unit.metrics.conftest import Received


def test_the_official_example_becomes_four_families(shared_data: Path, received: Received) -> None:
    text = (shared_data / "otlp/otlp-metrics.json").read_text()
    assert received.receive(json_format.Parse(text, ExportMetricsServiceRequest())) == 0
    scope = (
        'otel_scope_my_scope_attribute="some scope attribute",otel_scope_name="my.library",otel_scope_version="1.0.0"'
    )
    shown = received.shown()
    assert {
        f'my_counter_total{{job="my.service",my_counter_attr="some value",{scope}}}': 5,
        f'my_gauge_ratio{{job="my.service",my_gauge_attr="some value",{scope}}}': 10,
        f'my_histogram_bucket{{job="my.service",le="1",my_histogram_attr="some value",{scope}}}': 1,
        f'my_histogram_bucket{{job="my.service",le="+Inf",my_histogram_attr="some value",{scope}}}': 2,
        f'my_histogram_sum{{job="my.service",my_histogram_attr="some value",{scope}}}': 2,
        f'my_histogram_count{{job="my.service",my_histogram_attr="some value",{scope}}}': 2,
    }.items() <= shown.items()
    exponential = {
        name.split('le="')[1].split('"')[0]: shown[name] for name in shown if "exponential" in name and "le=" in name
    }
    assert exponential == {"0": 1, "1": 1, "2": 1, "4": 1, "8": 3, "16": 3, "+Inf": 3}


@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_metrics_of_the_sdk_count_the_same_by_deltas_and_by_totals(
    temporality: AggregationTemporality, received: Received
) -> None:
    preferred: Any = {Counter: temporality, Histogram: temporality}
    reader = InMemoryMetricReader(preferred_temporality=preferred)
    resource = Resource({"service.name": "shop", "service.instance.id": "a", "process.command_args": ["run", "-v"]})
    view = View(instrument_name="answer.size", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=resource, views=[view], shutdown_on_exit=False)
    meter = provider.get_meter("shop.orders", "1.2")
    orders = meter.create_counter("orders", unit="{order}", description="Orders taken.")
    waiting = meter.create_up_down_counter("orders.waiting")
    seconds = meter.create_histogram("order.duration", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1])
    size = meter.create_histogram("answer.size", unit="By")
    for number in range(1, 4):
        orders.add(number, {"kind": "book"})
        waiting.add(-1)
        seconds.record(0.5)
        size.record(100 * number)
        data = reader.get_metrics_data()
        assert data is not None
        assert received.receive(encode_metrics(data)) == 0
    own = 'instance="a",job="shop"'
    scope = 'otel_scope_name="shop.orders",otel_scope_version="1.2"'
    shown = received.shown()
    assert {
        f'orders_total{{{own},kind="book",{scope}}}': 6,
        f"orders_waiting{{{own},{scope}}}": -3,
        f'order_duration_seconds_bucket{{{own},le="0.1",{scope}}}': 0,
        f'order_duration_seconds_bucket{{{own},le="1",{scope}}}': 3,
        f"order_duration_seconds_sum{{{own},{scope}}}": 1.5,
        f'answer_size_bytes_bucket{{{own},le="64",{scope}}}': 0,
        f'answer_size_bytes_bucket{{{own},le="128",{scope}}}': 1,
        f'answer_size_bytes_bucket{{{own},le="256",{scope}}}': 2,
        f'answer_size_bytes_bucket{{{own},le="512",{scope}}}': 3,
        f"answer_size_bytes_sum{{{own},{scope}}}": 600,
        f"answer_size_bytes_count{{{own},{scope}}}": 3,
        f'target_info{{{own},process_command_args="["run","-v"]"}}': 1,
    }.items() <= shown.items()
    assert [item.family.help for item in received.all() if item.family.name == "orders_total"] == ["Orders taken."]
    provider.shutdown()
