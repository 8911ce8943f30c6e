"""A bug of ours while a request is worked on: told to the sender, counted, and no harm to the next one."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from grpc import StatusCode
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from sidecar.codec.otlp.signal import LOGS, TRACES
from sidecar.receive.otlp.gather import SpansFailed
from tests.unit.receive.served import JSON, PROTOBUF, body_of

LOG_RECORDS = [LogRecord(severity_text="INFO") for _ in range(3)]
REQUEST = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=LOG_RECORDS)])])
BODY = REQUEST.SerializeToString()


class Breaking:
    """A sink that breaks once."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._breaks = True

    def accept(self, batch: Any, /) -> int:
        if self._breaks:
            self._breaks = False
            raise OverflowError("int too big to convert")
        taken: int = self._sink.accept(batch)
        return taken


def break_once(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = served.http._reception.ingest_of(LOGS)
    monkeypatch.setattr(ingest._intake, "_sink", Breaking(served.sinks[LOGS]))


@pytest.mark.parametrize(("kind", "body"), [(PROTOBUF, BODY), (JSON, MessageToJson(REQUEST).encode())])
async def test_a_bug_is_an_internal_error_over_http(
    serve: Any, monkeypatch: pytest.MonkeyPatch, kind: str, body: bytes
) -> None:
    served = await serve()
    break_once(served, monkeypatch)
    status, answer, headers = await served.post(body, LOGS.path, Content_Type=kind)
    assert (status, headers["Content-Type"].partition(";")[0]) == (500, kind)
    assert b"internal error" in answer
    assert (await served.post(body, LOGS.path, Content_Type=kind))[0] == 200
    labels = {"transport": "http", "signal": "logs"}
    assert served.counted("sidecar_otlp_requests_total", code="500", **labels) == 1
    assert served.counted("sidecar_otlp_refused_bytes_total", **labels) == len(body)
    assert served.sinks[LOGS].items == 3


async def test_a_bug_is_an_unknown_error_over_grpc(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await serve()
    break_once(served, monkeypatch)
    assert (await served.export(BODY, LOGS)).code is StatusCode.UNKNOWN
    assert (await served.export(BODY, LOGS)).code is StatusCode.OK
    assert served.counted("sidecar_otlp_requests_total", transport="grpc", signal="logs", code="UNKNOWN") == 1
    assert served.sinks[LOGS].items == 3


async def test_spans_that_break_the_analysis_were_accepted_and_their_loss_is_counted_and_told(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serve()
    monkeypatch.setattr(served.gather, "_give", Breaking(served.sink).accept)
    assert (await served.post(body_of(3)))[0] == 200
    assert (await served.export(body_of(4))).code is StatusCode.OK
    assert served.counted("sidecar_otlp_gathered_failed_spans_total") == 3
    assert served.events.seen == [SpansFailed(3, "OverflowError: int too big to convert")]
    assert served.sinks[TRACES].items == 4
