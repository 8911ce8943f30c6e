"""Log records are counted by service and severity, within limits."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sidecar.app.registry import LOG_STAGES
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.severity import SEVERITIES
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.observe import ObservedLogs
from sidecar.logs.pipeline import LogPipeline
from sidecar.logs.stages import log_pipeline_of
from tests.unit.collect.scraping import values_of

OVERFLOWED = 'sidecar_logs_overflowed_total{metric="sidecar_log_records_total"}'


def log_pipeline(**settings: int) -> LogPipeline:
    return log_pipeline_of(OtlpLogsConfig(**settings), LOG_STAGES)


def of_resource(service: str | None, *severities: int) -> ResourceLogs:
    resource = Resource(
        attributes=[KeyValue(key="service.name", value=AnyValue(string_value=service))] if service else []
    )
    records = [LogRecord(severity_number=number) for number in severities]  # type: ignore[arg-type]
    return ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])


def receive(subject: LogPipeline, *resources: ResourceLogs) -> None:
    body = ExportLogsServiceRequest(resource_logs=resources).SerializeToString()
    for batch in LogBatches(body, 1000.0):
        assert subject.accept(batch) == 0


def test_records_are_counted_by_service_and_range_of_severity() -> None:
    subject = log_pipeline()
    receive(subject, of_resource("shop", 1, 4, 5, 9, 12, 13, 17, 20, 21, 24, 0, 25, -1), of_resource(None, 9))
    found = values_of(subject.families(1000.0))
    shop = {
        severity: found[f'sidecar_log_records_total{{service="shop",severity="{severity}"}}'] for severity in SEVERITIES
    }
    assert shop == {"unspecified": 3, "trace": 2, "debug": 1, "info": 2, "warn": 1, "error": 2, "fatal": 2}
    assert found['sidecar_log_records_total{service="unknown_service",severity="info"}'] == 1
    assert found[OVERFLOWED] == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 24), max_size=6)), max_size=6))
def test_every_record_is_counted_once(resources: list[tuple[str, list[int]]]) -> None:
    subject = log_pipeline(max_services=2)
    receive(subject, *[of_resource(service, *severities) for service, severities in resources])
    found = values_of(subject.families(1000.0))
    assert sum(found.values()) - found[OVERFLOWED] == sum(len(severities) for _, severities in resources)


def test_of_a_hundred_thousand_services_the_first_have_series_and_the_others_one() -> None:
    subject = log_pipeline(max_services=3)
    for first in range(0, 100_000, 1000):
        receive(subject, *[of_resource(f"s{number}", 9) for number in range(first, first + 1000)])
    assert values_of(subject.families(1000.0)) == {
        **{f'sidecar_log_records_total{{service="s{number}",severity="info"}}': 1 for number in range(3)},
        'sidecar_log_records_total{otel_metric_overflow="true"}': 99_997,
        OVERFLOWED: 99_997,
    }


def test_all_severities_of_all_services_have_room() -> None:
    subject = log_pipeline(max_services=20)
    receive(subject, *[of_resource(f"s{number}", *range(25)) for number in range(20)])
    found = values_of(subject.families(1000.0))
    assert len(found) == 20 * len(SEVERITIES) + 1
    assert found[OVERFLOWED] == 0


def test_the_official_example_is_one_record(shared_data: Path) -> None:
    text = (shared_data / "otlp/otlp-logs.json").read_text()
    subject = log_pipeline()
    receive(subject, *json_format.Parse(text, ExportLogsServiceRequest()).resource_logs)
    assert values_of(subject.families(1000.0)) == {
        'sidecar_log_records_total{service="my.service",severity="info"}': 1,
        OVERFLOWED: 0,
    }


@pytest.fixture(params=LOG_STAGES, ids=lambda stage: stage.__name__)
def stage(request: pytest.FixtureRequest) -> Any:
    return request.param(OtlpLogsConfig())


def test_a_stage_without_records_declares_its_families_and_has_dropped_nothing(stage: Any) -> None:
    stage.feed(ObservedLogs(1000.0, []))
    found = list(stage.samples(1000.0))
    assert all(item.family.help and item.family.name.startswith("sidecar_") for item in found)
    assert all(sample.value == 0 for item in found for sample in item.samples)
