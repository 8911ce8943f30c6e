"""However long a body is cut: each item keeps its resource and its scope, in the order sent, and none comes twice."""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sidecar.codec.otlp import runs
from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.codec.otlp.parsed import parsed
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.steps import finished

RUN_BYTES = 512
"""A body is cut after so much here, instead of after 256 KiB."""


class Item(NamedTuple):
    """Where an item came from, and its name."""

    resource: str
    scope: str
    name: str


class Scope(NamedTuple):
    """A scope and how many bytes each of its items has beside its name."""

    name: str
    items: list[int]


Sent = list[tuple[str, list[Scope]]]
NAMES = st.sampled_from(["", "a", "b", "a scope of a longer name"])
SCOPES = st.lists(st.builds(Scope, NAMES, st.lists(st.sampled_from([0, 10, 200, 700, 3000]), max_size=12)), max_size=3)
SENT = st.lists(st.tuples(NAMES, SCOPES), max_size=3)


def trace_body(sent: Sent) -> bytes:
    request = ExportTraceServiceRequest()
    for size, scope, item in laid_out(sent, request.resource_spans, "scope_spans"):
        span = scope.spans.add(name=item.name)
        span.attributes.add(key="padding").value.string_value = "x" * size
    return request.SerializeToString()


def metric_body(sent: Sent) -> bytes:
    request = ExportMetricsServiceRequest()
    for size, scope, item in laid_out(sent, request.resource_metrics, "scope_metrics"):
        metric = scope.metrics.add(name=item.name)
        for _ in range(3):
            point = metric.gauge.data_points.add(as_int=1)
            point.attributes.add(key="padding").value.string_value = "x" * (size // 3)
    return request.SerializeToString()


def log_body(sent: Sent) -> bytes:
    request = ExportLogsServiceRequest()
    for size, scope, item in laid_out(sent, request.resource_logs, "scope_logs"):
        record = scope.log_records.add(event_name=item.name)
        record.body.string_value = "x" * size
    return request.SerializeToString()


def laid_out(sent: Sent, resources: Any, scopes: str) -> Iterable[tuple[int, Any, Item]]:
    """Add the resources and scopes of `sent` to a request; yield the size, the scope's message and the item of each."""
    for resource_name, scope_list in sent:
        resource = resources.add()
        resource.resource.attributes.add(key="name").value.string_value = resource_name
        for scope in scope_list:
            message = getattr(resource, scopes).add()
            message.scope.name = scope.name
            for number, size in enumerate(scope.items):
                yield size, message, Item(resource_name, scope.name, f"{number}")


def named(resource: bytes, scope: bytes, name: bytes) -> Item:
    attributes = Resource.FromString(resource).attributes
    return Item(attributes[0].value.string_value, InstrumentationScope.FromString(scope).name, name.decode())


def spans_in(body: bytes) -> list[Item]:
    groups = [group for batch in SpanBatches(body, 0.0) for group in batch.groups]
    return [named(group.resource, group.scope, span.name) for group in groups for span in map(parsed, group.spans)]


def points_in(body: bytes) -> list[Item]:
    groups = [group for batch in MetricBatches(body, 0.0) for group in batch.groups]
    return [named(group.resource, group.scope, group.metric.name) for group in groups for _ in group.points]


def records_in(body: bytes) -> list[Item]:
    groups = [group for batch in LogBatches(body, 0.0) for group in batch.groups]
    return [named(group.resource, group.scope, record.event_name) for group in groups for record in group.records]


def all_of(sent: Sent, times: int) -> list[Item]:
    return [
        Item(resource, scope.name, f"{number}")
        for resource, scopes in sent
        for scope in scopes
        for number in range(len(scope.items))
        for _ in range(times)
    ]


def spans_in_json(body: bytes) -> list[Item]:
    text = json.dumps(MessageToDict(ExportTraceServiceRequest.FromString(body))).encode()
    batches = finished(JsonTraces().read(text, 0.0))
    groups = [group for batch in batches for group in batch.groups]
    return [named(group.resource, group.scope, span.name) for group in groups for span in map(parsed, group.spans)]


@pytest.mark.parametrize(
    ("make", "read", "times"),
    [(trace_body, spans_in, 1), (trace_body, spans_in_json, 1), (metric_body, points_in, 3), (log_body, records_in, 1)],
)
@given(sent=SENT)
def test_scope_resource_and_count_survive_every_cut(
    make: Callable[[Sent], bytes], read: Callable[[bytes], list[Item]], times: int, sent: Sent
) -> None:
    with patch.multiple(runs, RUN_BYTES=RUN_BYTES, RUN_ITEMS=4):
        assert read(make(sent)) == all_of(sent, times)
