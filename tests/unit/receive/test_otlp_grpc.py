"""OTLP over gRPC as a sender sees it: every status, its details, and that a refused message counts nothing."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from prometheus_client import CollectorRegistry

from sidecar.codec.otlp.signal import LOGS, METRICS, TRACES
from sidecar.model.address import Address
from sidecar.model.errors import OperatorError
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.export import MESSAGES_AT_ONCE
from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
from sidecar.receive.otlp.reception import Sinks, reception_of
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from tests.fakes import until
from tests.unit.codec.otlp_messages import official_of
from tests.unit.receive.served import MIB, CountingSink, answer_of, body_of, gather_of, json_of, serving


def requests(served: Any, code: str, signal: str = "traces") -> float:
    return float(served.counted("sidecar_otlp_requests_total", transport="grpc", signal=signal, code=code))


async def test_an_accepted_request_is_answered_by_an_export_response(serve: Any) -> None:
    served = await serve()
    answer = await served.export(body_of(3))
    assert (answer.code, answer.body) == (StatusCode.OK, b"")
    assert served.sink.items == 3
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="grpc") == 3
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="http") == 0
    assert requests(served, "OK") == 1


async def test_a_request_without_spans_is_a_success(serve: Any) -> None:
    served = await serve()
    assert (await served.export(b"")).code is StatusCode.OK
    assert served.sink.items == 0


@pytest.mark.parametrize("signal", [TRACES, METRICS, LOGS])
async def test_every_signal_has_its_service(serve: Any, shared_data: Path, signal: Any) -> None:
    served = await serve()
    name = {TRACES: "trace"}.get(signal, signal.name)
    text = (shared_data / f"otlp/otlp-{name}.json").read_bytes()
    body = official_of(signal, json.loads(text)).SerializeToString()
    assert (await served.export(body, signal)).code is StatusCode.OK
    assert served.sinks[signal].items == served.counted(f"sidecar_otlp_{signal.items}_accepted_total", transport="grpc")
    assert served.sinks[signal].items > 0


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_messages_may_be_compressed(serve: Any, compression: grpc.Compression) -> None:
    served = await serve()
    assert (await served.export(body_of(7), compression=compression)).code is StatusCode.OK
    assert served.sink.items == 7


async def test_bad_data_is_an_invalid_argument_and_counts_nothing(serve: Any) -> None:
    served = await serve()
    body = body_of(3)
    for bad in (b"\xff", b"garbage", body[:-1], body_of(20_000) + b"\x0a\x7f", json_of(1)):
        answer = await served.export(bad)
        assert (answer.code, answer.status.code) == (StatusCode.INVALID_ARGUMENT, 3)
        assert answer.message == answer.status.message != ""
    assert served.sink.items == 0
    assert (requests(served, "INVALID_ARGUMENT"), requests(served, "OK")) == (5, 0)
    assert served.counted("sidecar_otlp_refused_bytes_total", transport="grpc", signal="traces") > 0


async def test_methods_that_nobody_has_are_unimplemented(serve: Any) -> None:
    served = await serve(only_traces=True)
    assert (await served.export(b"", METRICS)).code is StatusCode.UNIMPLEMENTED
    async with served.channel() as channel:
        for method in ("/opentelemetry.proto.collector.trace.v1.TraceService/Import", "/x/y"):
            assert (await answer_of(channel.unary_unary(method)(b""))).code is StatusCode.UNIMPLEMENTED
    assert requests(served, "UNIMPLEMENTED", "other") == 3


async def test_a_message_may_be_as_large_as_a_body_over_http(serve: Any) -> None:
    served = await serve()
    body = body_of(1, "x" * (3 << 20)) * 4
    assert len(body) > 12 * MIB
    assert (await served.export(body)).code is StatusCode.OK
    assert served.sink.items == 4


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_message_over_the_limit_is_refused(serve: Any, compression: Any) -> None:
    served = await serve(max_body_bytes=100_000)
    answer = await served.export(bytes(100_001), compression=compression)
    assert answer.code is StatusCode.RESOURCE_EXHAUSTED
    assert answer.retry_after_seconds is None
    assert served.sink.items == 0
    await until(lambda: requests(served, "RESOURCE_EXHAUSTED") == 1)


BOMB = """
import asyncio, sys
from tests.unit.receive.served import serving, MIB
import grpc

def peak():
    return next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

async def main():
    async with serving() as start:
        served = await start(max_body_bytes=4 * MIB)
        async with served.channel() as channel:
            await served.export(bytes(3 * MIB), compression=grpc.Compression.Gzip)
            before = peak()
            sender = await asyncio.create_subprocess_exec(sys.executable, "-c", SEND, str(served.grpc.address.port))
            await sender.wait()
            print(sender.returncode, peak() - before)

SEND = '''
import grpc, sys
channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}", options=[("grpc.max_send_message_length", -1)])
export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
for _ in range(2):
    try:
        export(bytes(100 << 20), compression=grpc.Compression.Gzip)
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
'''
asyncio.run(main())
"""


def test_a_bomb_costs_no_memory() -> None:
    root = Path(__file__).parents[3]
    env = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", BOMB], env=env, capture_output=True, text=True, check=True)
    code, grown_mb = map(int, done.stdout.split())
    assert code == 0
    assert grown_mb < 40


async def test_beyond_the_number_of_requests_the_sender_is_asked_to_come_back(serve: Any) -> None:
    served = await serve(max_concurrent_requests=1)
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(head)
    async with asyncio.timeout(10):
        while (answer := await served.export(body_of(1))).code is not StatusCode.UNAVAILABLE:
            pass
    assert (answer.status.code, answer.retry_after_seconds) == (14, 1)
    writer.close()
    async with asyncio.timeout(10):
        while (await served.export(body_of(1))).code is not StatusCode.OK:
            pass


async def test_beyond_what_may_be_held_at_once_the_sender_is_asked_to_come_back(serve: Any) -> None:
    served = await serve(max_body_bytes=100_000, max_in_flight_bytes=100_000)
    head = (
        b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 90000\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", served.http.address.port)
    writer.write(head + bytes(60_000))
    async with asyncio.timeout(10):
        while (answer := await served.export(body_of(1500))).code is not StatusCode.UNAVAILABLE:
            pass
    assert answer.retry_after_seconds == 1
    writer.close()


async def test_a_sender_that_never_finishes_is_told_so_and_holds_up_nobody_for_ever(serve: Any) -> None:
    served = await serve(read_timeout_seconds=0.3)
    never = asyncio.Event()

    async def nothing() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    async with served.channel() as channel:
        method: Any = channel.stream_unary(TRACES.method)
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(answer_of(method(nothing()))) for _ in range(MESSAGES_AT_ONCE + 2)]
        assert {task.result().code for task in waiting} == {StatusCode.DEADLINE_EXCEEDED}
    assert (await served.export(body_of(1))).code is StatusCode.OK


async def test_what_is_left_out_is_told(serve: Any) -> None:
    served = await serve()
    answer = await served.export(body_of(3) + body_of(1, "x" * (4 << 20)))
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert (partial.rejected_spans, partial.error_message) == (1, "1 were too large")
    assert served.counted("sidecar_otlp_spans_accepted_total", transport="grpc") == 3


async def test_a_sender_that_gives_up_leaves_no_half_of_its_request(serve: Any) -> None:
    served = await serve()
    body = body_of(100_000)
    async with served.channel() as channel:
        method: Any = channel.unary_unary(TRACES.method)
        call = method(body)
        await until(lambda: served.sink.items > 0)
        call.cancel()
        await until(lambda: served.counted_items() == 100_000)
    assert served.sink.items == 100_000


async def test_one_connection_may_carry_many_requests_at_once(serve: Any) -> None:
    served = await serve()
    async with served.channel() as channel:
        method: Any = channel.unary_unary(TRACES.method)
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(answer_of(method(body_of(number)))) for number in range(60)]
        assert {call.result().code for call in calls} == {StatusCode.OK}
    assert served.sink.items == served.counted_items() == sum(range(60))


HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=40).map(lambda tail: body_of(2) + tail),
    st.integers(0, 60).map(lambda length: body_of(2)[:length]),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=40))
def test_no_bytes_make_a_server_error_and_refused_ones_count_nothing(bodies: list[bytes]) -> None:
    async def send() -> None:
        async with serving() as start:
            served = await start()
            async with served.channel() as channel:
                method: Any = channel.unary_unary(TRACES.method)
                for body in bodies:
                    before = served.sink.items
                    answer = await answer_of(method(body))
                    assert answer.code in {StatusCode.OK, StatusCode.INVALID_ARGUMENT}
                    assert answer.code is StatusCode.OK or served.sink.items == before

    asyncio.run(send())


async def test_bytes_that_are_no_http_2_harm_nobody(serve: Any) -> None:
    served = await serve()
    for data in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(500), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(500)):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.grpc.address.port)
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(10):
            await asyncio.wait({asyncio.ensure_future(reader.read())})
        writer.close()
    assert (await served.export(body_of(1))).code is StatusCode.OK


async def test_counters_start_from_zero(serve: Any) -> None:
    served = await serve()
    for code in ("OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"):
        assert requests(served, code) == 0


async def test_an_address_in_use_is_the_operators_matter(serve: Any) -> None:
    served = await serve()
    config = OtlpConfig(grpc={"listen": Address("127.0.0.1", served.grpc.address.port)})
    second = OtlpGrpcReceiver(
        reception_of(config, Sinks(gather_of(CountingSink().accept)), SystemClock()), Meter(CollectorRegistry())
    )
    with pytest.raises(OperatorError, match=f"otlp_grpc: .*127.0.0.1:{served.grpc.address.port}.*the port is taken"):
        await second.run(lambda: None)


@pytest.mark.parametrize("host", ["", "localhost"])
async def test_it_listens_wherever_a_host_stands_for(serve: Any, host: str) -> None:
    served = await serve(grpc={"listen": Address(host, 0)})
    assert (await served.export(body_of(1))).code is StatusCode.OK


async def test_a_receiver_that_stops_finishes_what_it_has_begun() -> None:
    async with serving() as start:
        served = await start()
        async with served.channel() as channel:
            method: Any = channel.unary_unary(TRACES.method)
            call = method(body_of(50_000))
            await until(lambda: served.sink.items > 0)
            served.stop()
            assert (await answer_of(call)).code is StatusCode.OK
    assert served.sink.items == 50_000
