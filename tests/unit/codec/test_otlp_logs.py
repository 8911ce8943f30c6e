"""OTLP logs bodies: the slim schema against the official messages, cuts, and hostile bytes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from sidecar.codec.otlp import logs, runs
from sidecar.codec.otlp.attributes import attributes_of, resource_attributes
from sidecar.codec.otlp.logs import LogBatches
from sidecar.codec.otlp.schema import Scope
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError
from tests.unit.codec.test_otlp import ATTRIBUTES, TEXT, U64, VALUES, plain_attributes

RECORDS = st.builds(
    LogRecord,
    time_unix_nano=U64,
    observed_time_unix_nano=U64,
    severity_number=st.integers(0, 24),
    severity_text=TEXT,
    body=VALUES,
    attributes=ATTRIBUTES,
    flags=st.integers(0, 2**32 - 1),
    trace_id=st.binary(max_size=16),
    span_id=st.binary(max_size=8),
    event_name=TEXT,
)
REQUESTS = st.builds(
    ExportLogsServiceRequest,
    resource_logs=st.lists(
        st.builds(
            lambda attributes, scopes: {
                "resource": {"attributes": attributes},
                "scope_logs": [{"scope": {"name": name}, "log_records": found} for name, found in scopes],
            },
            ATTRIBUTES,
            st.lists(st.tuples(TEXT, st.lists(RECORDS, max_size=3)), max_size=3),
        ),
        max_size=3,
    ),
)


def facts(record: Any) -> tuple[Any, ...]:
    return (
        record.time_unix_nano,
        record.observed_time_unix_nano,
        record.severity_number,
        record.trace_id,
        record.span_id,
    )


def official(request: ExportLogsServiceRequest) -> list[Any]:
    return [
        (
            plain_attributes(of_resource.resource.attributes),
            of_scope.scope.name,
            *facts(record),
            (record.severity_text, record.event_name),
            record.body.SerializeToString(),
            plain_attributes(record.attributes),
        )
        for of_resource in request.resource_logs
        for of_scope in of_resource.scope_logs
        for record in of_scope.log_records
    ]


def ours(body: bytes) -> list[Any]:
    return [
        (
            attributes_of(resource_attributes(group.resource)),
            Scope.FromString(group.scope).name.decode(),
            *facts(record),
            (record.severity_text.decode(), record.event_name.decode()),
            record.body,
            attributes_of(record.attributes),
        )
        for batch in LogBatches(body, 0.0)
        for group in batch.groups
        for record in group.records
    ]


def body_of(*records: LogRecord) -> bytes:
    of_resource = ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])
    return ExportLogsServiceRequest(resource_logs=[of_resource]).SerializeToString()


@given(REQUESTS)
def test_the_slim_schema_reads_what_the_official_messages_hold(request_: ExportLogsServiceRequest) -> None:
    assert ours(request_.SerializeToString()) == official(request_)


@given(REQUESTS)
def test_cuts_at_every_size_lose_and_repeat_nothing(request_: ExportLogsServiceRequest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "BATCH_RECORDS", 2)
        patch.setattr(logs, "BATCH_BYTES", 500)
        patch.setattr(runs, "RUN_BYTES", 90)
        assert ours(request_.SerializeToString()) == official(request_)


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_a_senders_mistake(body: bytes) -> None:
    try:
        list(LogBatches(body, 0.0))
    except SenderError:
        pass


def test_a_body_cut_off_within_a_field_is_refused() -> None:
    body = body_of(LogRecord(severity_number=9), LogRecord(trace_id=b"t" * 16))  # type: ignore[arg-type]
    for length in range(1, len(body)):
        with pytest.raises(MalformedInputError):
            list(LogBatches(body[:length], 0.0))


def test_no_batch_is_larger_than_its_limit() -> None:
    assert [len(batch) for batch in LogBatches(body_of(*[LogRecord()] * 1200), 0.0)] == [500, 500, 200]
    text = AnyValue(string_value="x" * 10_000)
    wide = [LogRecord(body=text, time_unix_nano=number) for number in range(200)]
    assert max(len(batch) for batch in LogBatches(body_of(*wide), 0.0)) <= 52


def test_a_single_record_over_four_mebibytes_is_left_out_and_the_others_stay() -> None:
    batches = LogBatches(
        body_of(LogRecord(severity_text="a"), LogRecord(severity_text="x" * (4 << 20)), LogRecord(severity_text="b")),
        0.0,
    )
    texts = [record.severity_text for batch in batches for group in batch.groups for record in group.records]
    assert texts == [b"a", b"b"]
    assert batches.rejected == 1


@pytest.mark.parametrize("filler", [0, 300_000])
def test_of_a_record_with_many_attributes_the_first_stay_and_the_others_are_counted(filler: int) -> None:
    attributes = [KeyValue(key=f"key{number}" * 3) for number in range(300)]
    batches = LogBatches(body_of(LogRecord(attributes=attributes, severity_text="x" * filler)), 0.0)
    ((found,),) = [group.records for batch in batches for group in batch.groups]
    assert len(found.attributes) == 256
    assert len(found.severity_text) == filler
    assert batches.skipped == {"attributes": 44}


def test_more_messages_than_real_ones_could_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MESSAGES", 1000)
    for body in (b"\x0a\x00" * 1001, body_of(*[LogRecord()] * 1001)):
        with pytest.raises(TooLargeError, match="1000"):
            list(LogBatches(body, 0.0))


def test_a_record_of_more_fields_than_can_be_walked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PARTS", 1000)
    record = LogRecord(severity_text="x" * 300_000, attributes=[KeyValue()] * 1001)
    batches = LogBatches(body_of(record, LogRecord(severity_text="b")), 0.0)
    assert sum(map(len, batches)) == 1
    assert batches.rejected == 1
