"""OTLP over HTTP as a sender sees it: every status, its body, and that a refused body counts nothing."""

import asyncio
import gzip
import io
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from prometheus_client import CollectorRegistry

from sidecar.model.address import Address
from sidecar.model.errors import OperatorError
from sidecar.receive.otlp import http
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.reception import Sinks, reception_of
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from tests.fakes import until
from tests.unit.receive.served import JSON, MIB, PROTOBUF, CountingSink, body_of, gather_of, json_of, serving, status_of


async def test_an_accepted_request_is_answered_by_an_export_response(serve: Any) -> None:
    served = await serve()
    status, body, headers = await served.post(body_of(3))
    assert (status, headers["Content-Type"]) == (200, "application/x-protobuf")
    assert ExportTraceServiceResponse.FromString(body) == ExportTraceServiceResponse()
    assert served.sink.items == 3
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="http") == 3
    assert served.counted("sidecar_otlp_requests_total", transport="http", signal="traces", code="200") == 1


async def test_a_request_without_spans_is_a_success(serve: Any) -> None:
    served = await serve()
    assert (await served.post(b""))[0] == 200
    assert (await served.post(b"", Content_Encoding="gzip"))[0] == 200
    assert served.sink.items == 0


def bare_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
    ],
)
async def test_every_encoding_of_the_specification_is_read(serve: Any, encoding: str, compress: Any) -> None:
    served = await serve()
    assert (await served.post(compress(body_of(7)), Content_Encoding=encoding))[0] == 200
    assert served.sink.items == 7


async def test_a_body_without_a_declared_length_is_read(serve: Any) -> None:
    served = await serve()
    body = body_of(5000)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7777):
            yield body[start : start + 7777]

    assert (await served.post(chunks()))[0] == 200
    assert served.sink.items == 5000


async def test_a_sender_that_waits_for_100_continue_gets_it(serve: Any) -> None:
    served = await serve()
    async with served.client.post(
        served.url + "/v1/traces", data=body_of(2), headers={"Content-Type": PROTOBUF}, expect100=True
    ) as got:
        assert got.status == 200
    assert served.sink.items == 2


async def test_what_is_not_telemetry_by_post_is_refused_with_the_right_status(serve: Any) -> None:
    served = await serve(only_traces=True)
    for method, path, kind, status in (
        ("GET", "/v1/traces", PROTOBUF, 405),
        ("PUT", "/v1/traces", PROTOBUF, 405),
        ("OPTIONS", "/v1/traces", PROTOBUF, 405),
        ("POST", "/v1/traces", "text/plain", 415),
        ("POST", "/v1/traces", "application/grpc", 415),
        ("POST", "/v1/metrics", PROTOBUF, 404),
        ("POST", "/v1/logs", PROTOBUF, 404),
        ("POST", "/v1/trace", PROTOBUF, 404),
        ("GET", "/", PROTOBUF, 404),
    ):
        async with served.client.request(
            method, served.url + path, data=body_of(1), headers={"Content-Type": kind}
        ) as response:
            assert (response.status, method, path) == (status, method, path)
            assert status_of(await response.read()).code
            assert response.headers["Content-Type"] == "application/x-protobuf"
            assert response.headers.get("Allow") == ("POST" if status == 405 else None)
    assert served.sink.items == 0


async def test_a_signal_that_is_not_received_says_so(serve: Any) -> None:
    served = await serve(only_traces=True)
    for path in ("/v1/metrics", "/v1/logs"):
        _, body, _ = await served.post(b"", path)
        assert "not supported yet, only traces" in status_of(body).message


async def test_an_unknown_encoding_and_one_that_does_not_fit_are_bad_data(serve: Any) -> None:
    served = await serve()
    compressed = gzip.compress(body_of(9))
    for body, encoding in (
        (body_of(1), "br"),
        (body_of(1), "gzip, gzip"),
        (body_of(1), "gzip"),
        (compressed[:-9], "gzip"),
        (compressed[:-1] + b"x", "gzip"),
        (compressed + b"trailing", "gzip"),
        (b"\x99" * 20, "deflate"),
    ):
        status, answer, _ = await served.post(body, Content_Encoding=encoding)
        assert (status, status_of(answer).code) == (400, 3)
    assert served.sink.items == 0


async def test_a_body_cut_off_at_any_byte_is_refused_and_counts_nothing(serve: Any) -> None:
    served = await serve()
    body = body_of(3)
    for length in range(1, len(body)):
        status, answer, _ = await served.post(body[:length])
        assert (status, status_of(answer).code) == (400, 3)
    assert served.sink.items == 0
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="http") == 0


async def test_a_mistake_at_the_end_of_a_long_body_refuses_all_of_it(serve: Any) -> None:
    served = await serve()
    assert (await served.post(body_of(20_000) + b"\x0a\x7f"))[0] == 400
    assert served.sink.items == 0
    assert (await served.post(body_of(20_000)))[0] == 200
    assert served.sink.items == 20_000
    assert max(served.sink.sizes) == 500


HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=40).map(lambda tail: body_of(2) + tail),
    st.integers(0, 200).map(lambda length: json_of(2)[:length]),
    st.text(max_size=30).map(lambda text: json_of(1, name=text)),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(HOSTILE, st.sampled_from([PROTOBUF, JSON])), min_size=1, max_size=40))
def test_no_bytes_make_a_server_error_and_refused_ones_count_nothing(bodies: list[tuple[bytes, str]]) -> None:
    async def send() -> None:
        async with serving() as start:
            served = await start()
            for body, kind in bodies:
                before = served.sink.items
                status, _, headers = await served.post(body, Content_Type=kind)
                assert status in (200, 400)
                assert headers["Content-Type"] == kind
                assert status == 200 or served.sink.items == before

    asyncio.run(send())


async def test_a_body_over_the_limit_is_refused_before_it_is_read(serve: Any) -> None:
    served = await serve(max_body_bytes=1000)
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1001\r\n\r\n"
    )
    answer = await served.raw(head)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_the_limit_counts_decompressed_bytes(serve: Any) -> None:
    served = await serve(max_body_bytes=100_000)
    bomb = gzip.compress(bytes(10 * MIB))
    assert len(bomb) < 100_000
    status, answer, _ = await served.post(bomb, Content_Encoding="gzip")
    assert (status, status_of(answer).code) == (413, 8)
    assert served.counted("sidecar_otlp_refused_bytes_total", transport="http", signal="traces") <= 100_000


async def test_a_span_of_absurd_size_is_left_out_and_the_rest_of_the_request_counts(serve: Any) -> None:
    served = await serve()
    status, body, _ = await served.post(io.BytesIO(body_of(3) + body_of(1, "x" * (4 << 20)) + body_of(2)))
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans, "1 were too large" in partial.error_message) == (200, 1, True)
    assert served.sink.items == served.counted("sidecar_otlp_spans_accepted_total", transport="http") == 5
    assert served.counted("sidecar_otlp_spans_rejected_total", transport="http", reason="too_large") == 1
    assert served.counted("sidecar_otlp_requests_total", transport="http", signal="traces", code="200") == 1


async def test_events_that_are_not_looked_at_are_counted(serve: Any) -> None:
    served = await serve()
    span = Span(events=[Span.Event(name="exception")] * 300)
    of_resource = ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])
    assert (await served.post(ExportTraceServiceRequest(resource_spans=[of_resource]).SerializeToString()))[0] == 200
    assert served.counted("sidecar_otlp_skipped_total", transport="http", signal="traces", part="events") == 268
    assert served.counted("sidecar_otlp_skipped_total", transport="http", signal="traces", part="attributes") == 0


async def test_chunked_bodies_have_the_same_limit(serve: Any) -> None:
    served = await serve(max_body_bytes=1000)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"\x0a\x00" * 501

    assert (await served.post(chunks()))[0] == 413


async def test_beyond_what_may_be_held_at_once_the_sender_is_asked_to_come_back(serve: Any) -> None:
    served = await serve(max_body_bytes=100_000, max_in_flight_bytes=100_000)
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 90000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(head + bytes(60_000))
    status, answer, headers = 0, b"", {}
    for _ in range(100):
        await asyncio.sleep(0.01)
        status, answer, headers = await served.post(body_of(2000))
        if status == 503:
            break
    assert (status, status_of(answer).code, headers["Retry-After"]) == (503, 14, "1")
    writer.close()
    for _ in range(100):
        await asyncio.sleep(0.01)
        status, _, _ = await served.post(body_of(2000))
        if status == 200:
            break
    assert status == 200


async def test_beyond_the_number_of_requests_the_sender_is_asked_to_come_back(serve: Any) -> None:
    served = await serve(max_concurrent_requests=1)
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(head)
    status = 200
    for _ in range(100):
        await asyncio.sleep(0.01)
        status, _, _ = await served.post(body_of(1))
        if status == 503:
            break
    assert status == 503
    writer.close()


async def test_a_sender_that_never_finishes_is_told_so(serve: Any) -> None:
    served = await serve(read_timeout_seconds=0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_what_is_not_http_gets_a_status_too(serve: Any) -> None:
    served = await serve()
    head, _, body = (await served.raw(b"\x16\x03\x01 hello\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert status_of(body).code == 3


async def test_broken_chunks_are_bad_data(serve: Any) -> None:
    served = await serve()
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    answer = await served.raw(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nnope\r\n")
    assert b" 400 " in answer.split(b"\r\n")[0]
    assert served.sink.items == 0


async def test_a_large_body_lets_others_run(serve: Any) -> None:
    served = await serve()
    longest = 0.0
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(served.post(io.BytesIO(body_of(100_000, name="x" * 300))))
        while not sending.done():
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)
    assert served.sink.items == 100_000
    assert longest < 0.5  # generous: the test asserts slices, not speed


async def test_counters_start_from_zero(serve: Any) -> None:
    served = await serve()
    for code in ("200", "400", "413", "503"):
        assert served.counted("sidecar_otlp_requests_total", transport="http", signal="traces", code=code) == 0
    assert served.counted("sidecar_otlp_refused_bytes_total", transport="http", signal="traces") == 0


async def test_an_address_in_use_is_the_operators_matter(serve: Any) -> None:
    served = await serve()
    config = OtlpConfig(http={"listen": Address("127.0.0.1", served.http.address.port)})
    reception = reception_of(config, Sinks(gather_of(CountingSink().accept)), SystemClock())
    second = OtlpHttpReceiver(reception, Meter(CollectorRegistry()))
    with pytest.raises(OperatorError, match=f"127.0.0.1:{served.http.address.port}"):
        await second.run(lambda: None)


def test_a_body_must_fit_into_what_may_be_held() -> None:
    with pytest.raises(ValueError, match="max_in_flight_bytes"):
        OtlpConfig(max_body_bytes=2, max_in_flight_bytes=1)


async def test_of_too_many_connections_the_one_that_has_waited_longest_is_closed(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BOUNDS", replace(http.BOUNDS, max_connections=3))
    served = await serve()
    opened = [await asyncio.open_connection("127.0.0.1", served.http.address.port) for _ in range(4)]
    assert await asyncio.wait_for(opened[0][0].read(), 5) == b""
    assert (await served.post(body_of(1)))[0] == 200
    assert await asyncio.wait_for(opened[1][0].read(), 5) == b""
    assert served.counted("sidecar_otlp_http_connections_closed_total") == 2
    for _, writer in opened:
        writer.close()


async def test_a_connection_whose_request_is_worked_on_is_not_closed_for_others(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BOUNDS", replace(http.BOUNDS, max_connections=2))
    served = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    body = body_of(2)
    writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
    await until(lambda: served.http._reception.allowance._free_requests < served.config.max_concurrent_requests)
    others = [await asyncio.open_connection("127.0.0.1", served.http.address.port) for _ in range(3)]
    writer.write(body)
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    for _, other in [(reader, writer), *others]:
        other.close()
