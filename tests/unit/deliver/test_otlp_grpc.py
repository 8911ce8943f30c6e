"""Forwarding to an upstream that speaks gRPC."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # it has no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # it has no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typing_extensions import override

from sidecar.codec.otlp.answers import exported
from sidecar.codec.otlp.json.conversion import protobuf_of
from sidecar.model.forward import JSON, PROTOBUF, SIGNALS, ForwardBody, Signal
from tests.fakes import until
from tests.unit.deliver.upstreams import Forwarding, body_of

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Answer: TypeAlias = Callable[["Context"], Awaitable[bytes]]


class GrpcUpstream(grpc.GenericRpcHandler):
    """OTLP over gRPC on raw bytes: what came, and what is answered."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.answer: Answer | None = None

    @override
    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        async def export(message: bytes, context: Context) -> bytes:
            self.requests.append((details.method, message))
            self.metadata.append(dict(context.invocation_metadata() or ()))
            return await self.answer(context) if self.answer else b""

        return grpc.unary_unary_rpc_method_handler(export)


def failing(code: grpc.StatusCode, text: str = "busy", delay_seconds: int | None = None) -> Answer:
    async def answer(context: Context) -> bytes:
        metadata: tuple[tuple[str, bytes], ...] = ()
        if delay_seconds is not None:
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=Duration(seconds=delay_seconds)))
            status = Status(code=code.value[0], details=[detail]).SerializeToString()
            metadata = (("grpc-status-details-bin", status),)
        await context.abort(code, text, metadata)
        raise AssertionError

    return answer


@pytest.fixture
def upstream() -> GrpcUpstream:
    return GrpcUpstream()


@pytest.fixture
async def url(upstream: GrpcUpstream) -> AsyncIterator[str]:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 2**26)])
    server.add_generic_rpc_handlers((upstream,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"http://127.0.0.1:{port}"
    await server.stop(None)


async def test_each_signal_arrives_byte_for_byte_at_its_service(upstream: GrpcUpstream, url: str) -> None:
    data = bytes(range(256)) * 30_000
    settings: dict[str, Any] = {"headers": {"X-Scope-OrgID": "shop"}}
    async with Forwarding(endpoint=url, protocol="grpc", **settings).running() as forwarding:
        for signal in SIGNALS:
            forwarding.forwarder.accept(ForwardBody(signal, PROTOBUF, data))
            await forwarding.until("sent_requests_total", 1, signal)
    package = "/opentelemetry.proto.collector"
    services = ("trace.v1.TraceService", "metrics.v1.MetricsService", "logs.v1.LogsService")
    assert upstream.requests == [(f"{package}.{service}/Export", data) for service in services]
    assert upstream.metadata[0]["x-scope-orgid"] == "shop"


async def test_a_body_is_compressed_when_that_is_configured(upstream: GrpcUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, protocol="grpc", compression="gzip").running() as forwarding:
        forwarding.accept("spans" * 1000)
        await forwarding.until("sent_requests_total", 1)
    assert upstream.requests[0][1] == b"spans" * 1000


async def test_json_is_converted_and_what_cannot_be_is_given_up(
    upstream: GrpcUpstream, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(signal: Signal, body: bytes) -> bytes:
        if b"bug" in body:
            raise ZeroDivisionError
        return protobuf_of(signal, body)

    monkeypatch.setattr("sidecar.deliver.otlp_grpc.protobuf_of", convert)
    async with Forwarding(endpoint=url, protocol="grpc").running() as forwarding:
        for text in ("no JSON", '{"bug": 1}', '{"resourceSpans": [{"schemaUrl": "good"}]}'):
            forwarding.forwarder.accept(body_of(text, content_type=JSON))
        await forwarding.until("sent_requests_total", 1)
        await forwarding.until("failed_requests_total", 2, reason="rejected")
    (message,) = (message for _, message in upstream.requests)
    (spans,) = ExportTraceServiceRequest.FromString(message).resource_spans
    assert spans.schema_url == "good"


@pytest.mark.parametrize(
    "code", ["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"]
)
async def test_a_busy_upstream_is_tried_again(upstream: GrpcUpstream, url: str, code: str) -> None:
    upstream.answer = failing(grpc.StatusCode[code])
    async with Forwarding(endpoint=url, protocol="grpc").running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)
    assert [message for _, message in upstream.requests] == [b"1", b"1"]
    assert f"{code}, `busy`" in str(forwarding.events.seen[0])


@pytest.mark.parametrize(
    "code",
    ["UNKNOWN", "INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"],
)
async def test_a_body_that_is_refused_for_good_is_given_up(upstream: GrpcUpstream, url: str, code: str) -> None:
    upstream.answer = failing(grpc.StatusCode[code])
    async with Forwarding(endpoint=url, protocol="grpc").running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("failed_requests_total", 1, reason="rejected")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
async def test_the_pause_is_the_one_that_the_upstream_asks_for(upstream: GrpcUpstream, url: str, code: str) -> None:
    upstream.answer = failing(grpc.StatusCode[code], delay_seconds=120)
    async with Forwarding(endpoint=url, protocol="grpc").running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        for _ in range(119):
            await forwarding.clock.advance(1)
        assert len(upstream.requests) == 1
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)


async def test_items_that_the_upstream_left_out_are_counted(upstream: GrpcUpstream, url: str) -> None:
    async def partly(_: Context) -> bytes:
        return exported(3, "too old")

    upstream.answer = partly
    async with Forwarding(endpoint=url, protocol="grpc").running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("sent_requests_total", 1)
    assert (forwarding.count("refused_items_total"), forwarding.said()) == (3, ["ForwardPartlyRefused"])


async def test_a_silent_upstream_costs_a_deadline(upstream: GrpcUpstream, url: str) -> None:
    async def silent(context: Context) -> bytes:
        await until(lambda: context.done() or upstream.answer is None)
        return b""

    upstream.answer = silent
    async with Forwarding(endpoint=url, protocol="grpc", timeout_seconds=0.1).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)


async def test_a_header_that_cannot_be_sent_is_no_end_and_not_shown(
    upstream: GrpcUpstream, url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("canary\u00e9")
    settings: dict[str, Any] = {"header_files": {"authorization": str(token)}}
    async with Forwarding(endpoint=url, protocol="grpc", **settings).running() as forwarding:
        forwarding.accept("1")
        await forwarding.until("retried_requests_total", 1)
        token.write_text("fine")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 1)
    assert "canary" not in "".join(str(event) for event in forwarding.events.seen)
