"""OTLP receivers that run, for tests, and what a sender sees of them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from aiohttp import ClientSession
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped] # ships no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # ships no stubs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from prometheus_client import CollectorRegistry

from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.signal import LOGS, METRICS, TRACES, Signal
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.address import Address
from sidecar.model.errors import MalformedInputError
from sidecar.model.span import SpanBatch
from sidecar.receive.otlp.allowance import Allowance
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.receive.otlp.gather import Gather
from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.ingest import AtOnce, Ingest
from sidecar.receive.otlp.reception import Ingests, Reception, at_once, converted
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.meter import Meter
from sidecar.runtime.turns import Turns
from tests.fakes import RecordedEvents

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
ANY_PORT = Address("127.0.0.1", 0)
MIB = 1 << 20


class CountingSink:
    """Remembers how many items each batch had, and refuses some of them if told to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.refuse = 0

    @property
    def items(self) -> int:
        return sum(self.sizes)

    def accept(self, batch: Any, /) -> int:
        self.sizes.append(len(batch))
        return min(self.refuse, len(batch))


def gather_of(give: Callable[[SpanBatch], object]) -> Gather:
    """Return what gives spans to `give` at once, as long as it does not run."""
    return Gather(give, SystemClock(), Meter(CollectorRegistry()), RecordedEvents())


class WholeRequest:
    """Batches of a signal as the official messages give them, one for each scope."""

    def __init__(self, kind: Any, path: Sequence[str], body: bytes) -> None:
        self.rejected = 0
        self.skipped: Mapping[str, int] = {"attributes": 0}
        try:
            self._found = [kind.FromString(body)]
        except Exception as error:
            raise MalformedInputError("not a valid request") from error
        for name in path:
            self._found = [inner for outer in self._found for inner in getattr(outer, name)]

    def __iter__(self) -> Iterator[Sequence[Any]]:
        yield self._found


def metric_batches(body: bytes, _received_at: float) -> WholeRequest:
    return WholeRequest(ExportMetricsServiceRequest, ("resource_metrics", "scope_metrics", "metrics"), body)


def log_batches(body: bytes, _received_at: float) -> WholeRequest:
    return WholeRequest(ExportLogsServiceRequest, ("resource_logs", "scope_logs", "log_records"), body)


class Served:
    """Receivers of all three signals over both transports, and a client of them; spans wait for no others."""

    def __init__(self, client: ClientSession, only_traces: bool = False, **settings: Any) -> None:
        self.sinks = {signal: CountingSink() for signal in (TRACES, METRICS, LOGS)}
        self.sink = self.sinks[TRACES]
        self.registry = CollectorRegistry()
        self.client = client
        settings = {"http": {}, "grpc": {}} | settings
        for transport in ("http", "grpc"):
            settings[transport] = {"listen": ANY_PORT} | settings[transport]
        self.config = OtlpConfig(**settings)
        turns = Turns(SystemClock())
        meter = Meter(self.registry)
        self.events = RecordedEvents()
        self.gather = Gather(self.sink.accept, SystemClock(), meter, self.events)
        ingests = Ingests(Ingest(self.gather, turns, at_once(SpanBatches), JsonTraces().read))
        if not only_traces:
            ingests = ingests._replace(
                metrics=Ingest(
                    AtOnce(self.sinks[METRICS]), turns, at_once(metric_batches), converted(METRICS, metric_batches)
                ),
                logs=Ingest(AtOnce(self.sinks[LOGS]), turns, at_once(log_batches), converted(LOGS, log_batches)),
            )
        allowance = Allowance(self.config.max_in_flight_bytes, self.config.max_concurrent_requests)
        reception = Reception(ingests, allowance, self.config)
        self.http = OtlpHttpReceiver(reception, meter)
        self.grpc = OtlpGrpcReceiver(reception, meter)
        self.tasks: list[asyncio.Task[None]] = []

    def stop(self) -> None:
        """Tell the receivers to stop, without waiting."""
        for task in self.tasks:
            task.cancel()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.address.port}"

    async def post(self, body: Any, path: str = "/v1/traces", **headers: str) -> tuple[int, bytes, Any]:
        """Send over HTTP; return status, body and headers of the answer."""
        merged = {"Content-Type": PROTOBUF} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(self.url + path, data=body, headers=merged) as response:
            return response.status, await response.read(), response.headers

    async def raw(self, data: bytes) -> bytes:
        """Send bytes to the HTTP receiver; return the answer, head and body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.http.address.port)
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = re.findall(rb"Content-Length: (\d+)", head)
        body = await reader.readexactly(int(length))
        writer.close()
        return head + body

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """Open a channel to the gRPC receiver."""
        options = [("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.grpc.address.port}", options=options) as channel:
            yield channel

    async def export(self, body: bytes, signal: Signal = TRACES, **call: Any) -> "Answer":
        """Send over gRPC, over a connection of its own."""
        async with self.channel() as channel:
            method: Any = channel.unary_unary(signal.method)
            return await answer_of(method(body, **call))

    def counted(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def counted_items(self) -> float:
        """Return how many spans were counted as accepted, over all transports."""
        return sum(
            self.counted("sidecar_otlp_spans_accepted_total", transport=transport) or 0
            for transport in ("http", "grpc")
        )


class Answer:
    """What a gRPC client gets: a body, or an error with its details."""

    def __init__(self, body: bytes, error: grpc.aio.AioRpcError | None) -> None:
        self.body = body
        self.code = error.code() if error else grpc.StatusCode.OK
        self.message = error.details() if error else ""
        trailers = dict(error.trailing_metadata() or ()) if error else {}
        self.status = Status.FromString(trailers.get("grpc-status-details-bin", b""))

    @property
    def retry_after_seconds(self) -> int | None:
        for detail in self.status.details:
            info = RetryInfo()
            if detail.Unpack(info):
                return int(info.retry_delay.seconds)
        return None


async def answer_of(call: Any) -> Answer:
    """Return the answer that `call` gets."""
    try:
        return Answer(await call, None)
    except grpc.aio.AioRpcError as error:
        return Answer(b"", error)


Receiver = OtlpHttpReceiver | OtlpGrpcReceiver


async def started(group: asyncio.TaskGroup, *receivers: Receiver) -> list["asyncio.Task[None]"]:
    """Run receivers in `group` and return their tasks once all are ready."""
    tasks = []
    for receiver in receivers:
        ready = asyncio.Event()
        tasks.append(group.create_task(receiver.run(ready.set)))
        await ready.wait()
    return tasks


@asynccontextmanager
async def running(*receivers: Receiver) -> AsyncIterator[None]:
    """Run receivers while the block does."""
    async with asyncio.TaskGroup() as group:
        tasks = await started(group, *receivers)
        yield
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def serving() -> AsyncIterator[Any]:
    """Give a function that starts receivers with these settings."""
    async with asyncio.TaskGroup() as group, ClientSession(auto_decompress=False) as client:
        all_served: list[Served] = []

        async def start(**settings: Any) -> Served:
            served = Served(client, **settings)
            all_served.append(served)
            served.tasks = await started(group, served.http, served.grpc)
            return served

        yield start
        for served in all_served:
            served.stop()


def request_of(count: int, name: str = "GET /a") -> ExportTraceServiceRequest:
    """Return a request of `count` server spans."""
    spans = [Span(name=name, kind=Span.SPAN_KIND_SERVER, trace_id=bytes(16), span_id=bytes(8)) for _ in range(count)]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def body_of(count: int, name: str = "GET /a") -> bytes:
    """Return the same in protobuf."""
    return request_of(count, name).SerializeToString()


def json_of(count: int, name: str = "GET /a") -> bytes:
    """Return the same in JSON, as SDKs write it."""
    span = f'{{"traceId":"{"00" * 16}","spanId":"{"00" * 8}","name":"{name}","kind":2}}'
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{",".join([span] * count)}]}}]}}]}}'.encode()


def status_of(body: bytes) -> Status:
    """Return a refusal's body in protobuf, which says something."""
    status = Status.FromString(body)
    assert status.message
    return status
