"""OTLP/JSON over HTTP: answers in JSON whatever happens, and for all signals."""

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.codec.otlp.signal import LOGS, METRICS, TRACES
from tests.unit.receive.served import JSON, MIB, PROTOBUF, json_of


def refusal(body: bytes) -> Any:
    """Return a google.rpc.Status in JSON, which says something."""
    status = json.loads(body)
    assert status["message"]
    return status


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"]
)
async def test_a_request_in_json_is_answered_in_json(serve: Any, kind: str) -> None:
    served = await serve()
    status, body, headers = await served.post(json_of(3), Content_Type=kind)
    assert (status, body) == (200, b"{}")
    assert headers["Content-Type"] == "application/json"
    assert served.sink.items == 3
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="http") == 3


async def test_an_empty_request_is_a_success_but_not_an_empty_body(serve: Any) -> None:
    served = await serve()
    assert (await served.post(b"{}", Content_Type=JSON))[:2] == (200, b"{}")
    status, body, _ = await served.post(b"", Content_Type=JSON)
    assert (status, refusal(body)["code"]) == (400, 3)


@pytest.mark.parametrize(
    ("name", "signal", "items"), [("trace", TRACES, 1), ("metrics", METRICS, 4), ("logs", LOGS, 1), ("events", LOGS, 1)]
)
async def test_the_official_examples_are_accepted(
    serve: Any, shared_data: Path, name: str, signal: Any, items: int
) -> None:
    served = await serve()
    body = (shared_data / f"otlp/otlp-{name}.json").read_bytes()
    assert (await served.post(body, signal.path, Content_Type=JSON))[:2] == (200, b"{}")
    assert served.sinks[signal].items == items
    assert served.counted(f"sidecar_otlp_{signal.items}_accepted_total", transport="http") == items


async def test_every_refusal_of_json_is_a_status_in_json(serve: Any) -> None:
    served = await serve(only_traces=True, max_json_bytes=1000)
    for method, path, body, encoding, status, code in (
        ("POST", "/v1/traces", b"{", "", 400, 3),
        ("POST", "/v1/traces", b'{"resourceSpans":5}', "", 400, 3),
        ("POST", "/v1/traces", b"{}", "br", 400, 3),
        ("POST", "/v1/traces", b"{}", "gzip", 400, 3),
        ("GET", "/v1/traces", b"", "", 405, 12),
        ("POST", "/v1/logs", b"{}", "", 404, 5),
        ("POST", "/v2/traces", b"{}", "", 404, 5),
        ("POST", "/v1/traces", json_of(100), "", 413, 8),
        ("POST", "/v1/traces", gzip.compress(json_of(100)), "gzip", 413, 8),
    ):
        headers = {"Content-Type": JSON, "Content-Encoding": encoding}
        async with served.client.request(method, served.url + path, data=body, headers=headers) as response:
            assert (response.status, response.headers["Content-Type"]) == (status, JSON)
            assert refusal(await response.read())["code"] == code
    assert served.sink.items == 0


async def test_json_has_a_limit_of_its_own_and_a_lower_one_than_protobuf(serve: Any) -> None:
    served = await serve()
    for size, expected in ((4 * MIB, 200), (4 * MIB + 1, 413)):
        body = b"{}" + b" " * (size - 2)
        assert (await served.post(io.BytesIO(body), Content_Type=JSON))[0] == expected
        bomb = gzip.compress(body, 1)
        assert (await served.post(bomb, Content_Type=JSON, Content_Encoding="gzip"))[0] == expected


async def test_overload_is_told_in_json_with_the_time_to_come_back(serve: Any) -> None:
    served = await serve(max_concurrent_requests=1)
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(head)
    async with asyncio.timeout(10):
        while (answer := await served.post(json_of(1), Content_Type=JSON))[0] != 503:
            pass
    _, body, headers = answer
    assert (refusal(body)["code"], headers["Retry-After"]) == (14, "1")
    writer.close()


async def test_one_broken_text_does_not_lose_the_others(serve: Any) -> None:
    served = await serve()
    for broken in (rb"\ud800", b"\xff"):
        body = json_of(500).replace(b"GET /a", broken, 1)
        assert (await served.post(body, Content_Type=JSON))[:2] == (200, b"{}")
    assert served.sink.items == 1000


async def test_a_mistake_in_the_last_span_refuses_all(serve: Any) -> None:
    served = await serve()
    body = json_of(3000)[: -len(b"}]}]}]}")] + b',"flags":-1}]}]}]}'
    status, answer, _ = await served.post(io.BytesIO(body), Content_Type=JSON)
    assert (status, "`Span.flags`" in refusal(answer)["message"]) == (400, True)
    assert served.sink.items == 0
    assert served.counted_items() == 0


@pytest.mark.parametrize("signal", [METRICS, LOGS])
async def test_items_that_the_sink_refuses_are_told_by_the_name_of_their_signal(
    serve: Any, shared_data: Path, signal: Any
) -> None:
    served = await serve()
    served.sinks[signal].refuse = 1
    body = (shared_data / f"otlp/otlp-{signal.name}.json").read_bytes()
    status, answer, _ = await served.post(body, signal.path, Content_Type=JSON)
    partial = json.loads(answer)["partialSuccess"]
    assert (status, partial[signal.rejected]) == (200, "1")
    assert partial["errorMessage"] == "1 were over a limit of what is kept"
    counted = served.counted(f"sidecar_otlp_{signal.items}_rejected_total", transport="http", reason="limit")
    assert counted == 1


async def test_a_type_that_is_neither_is_answered_in_protobuf(serve: Any) -> None:
    served = await serve()
    for kind in ("application/jsonl", "text/json", "application/octet-stream"):
        status, _, headers = await served.post(json_of(1), Content_Type=kind)
        assert (status, headers["Content-Type"]) == (415, PROTOBUF)


async def test_a_large_request_in_json_lets_others_run(serve: Any) -> None:
    served = await serve(max_json_bytes=64 * MIB)
    body = json_of(30_000, name="x" * 100)
    longest = 0.0
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(served.post(io.BytesIO(body), Content_Type=JSON))
        while not sending.done():
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)
    assert served.sink.items == 30_000
    assert longest < 0.5  # generous: the test asserts slices, not speed
