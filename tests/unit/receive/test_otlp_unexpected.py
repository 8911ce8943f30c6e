"""A bug of ours while a request is worked on: told to the sender, counted, and no harm to the next one."""

from typing import Any

import pytest
from grpc import StatusCode

from sidecar.codec.otlp.signal import TRACES
from tests.unit.receive.served import JSON, body_of, json_of


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
    ingest = served.http._reception.ingest_of(TRACES)
    monkeypatch.setattr(ingest, "_sink", Breaking(served.sink))


@pytest.mark.parametrize(("kind", "body"), [("application/x-protobuf", body_of(3)), (JSON, json_of(3))])
async def test_a_bug_is_an_internal_error_over_http(
    serve: Any, monkeypatch: pytest.MonkeyPatch, kind: str, body: bytes
) -> None:
    served = await serve()
    break_once(served, monkeypatch)
    status, answer, headers = await served.post(body, Content_Type=kind)
    assert (status, headers["Content-Type"].partition(";")[0]) == (500, kind)
    assert b"internal error" in answer
    assert (await served.post(body, Content_Type=kind))[0] == 200
    labels = {"transport": "http", "signal": "traces"}
    assert served.counted("sidecar_otlp_requests_total", code="500", **labels) == 1
    assert served.counted("sidecar_otlp_refused_bytes_total", **labels) == len(body)
    assert served.sink.items == 3


async def test_a_bug_is_an_unknown_error_over_grpc(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await serve()
    break_once(served, monkeypatch)
    assert (await served.export(body_of(3))).code is StatusCode.UNKNOWN
    assert (await served.export(body_of(3))).code is StatusCode.OK
    assert served.counted("sidecar_otlp_requests_total", transport="grpc", signal="traces", code="UNKNOWN") == 1
    assert served.sink.items == 3
