"""OTLP over HTTP: the listener, and the dialogue with a sender."""

import asyncio
from collections.abc import Callable

from aiohttp import web
from typing_extensions import override

from sidecar.codec.otlp.answers import exported, rpc_status
from sidecar.codec.otlp.traces import MESSAGE_BYTES, PARTS
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError, UnsupportedError
from sidecar.model.sample import Sink
from sidecar.model.span import SpanBatch
from sidecar.receive.otlp.body import Allowance, Held, read_body
from sidecar.receive.otlp.config import OtlpHttpConfig
from sidecar.receive.otlp.ingest import Ingested, TraceIngest
from sidecar.receive.otlp.meters import OtlpMeters
from sidecar.receive.otlp.refusal import (
    RETRY_AFTER_SECONDS,
    OverloadedError,
    SlowSenderError,
    UnknownPathError,
    WrongMethodError,
    rpc_code_of,
)
from sidecar.runtime.clock import Clock
from sidecar.runtime.listen import listening_socket
from sidecar.runtime.meter import Meter

PROTOBUF = "application/x-protobuf"
SIGNALS = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}
TOO_LARGE = f"spans over {MESSAGE_BYTES} bytes or {PARTS} fields were left out"
STOP_SECONDS = 5.0
"""How long a stopping receiver waits for requests that it has begun to work on."""


class OtlpHttpReceiver:
    """Component that receives traces by `POST /v1/traces` and gives their spans to a sink.

    A request counts as a whole or not at all, except that a span of absurd size is left out, which the answer says;
    every refusal has a google.rpc.Status as its body. One that is sent again after it was accepted counts again: OTLP
    has no request identity to know it by.
    """

    def __init__(self, config: OtlpHttpConfig, sink: Sink[SpanBatch], meter: Meter, clock: Clock) -> None:
        self.name = "otlp_http"
        self.port = 0
        self._config = config
        self._ingest = TraceIngest(sink, clock)
        self._meters = OtlpMeters(meter, "http")
        self._allowance = Allowance(config.max_in_flight_bytes, config.max_concurrent_requests)

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; `port` is the one in use once ready. Raises OperatorError if it cannot listen."""
        address = self._config.listen
        assert address is not None, "a receiver that is turned off is not run"
        runner = web.ServerRunner(_Server(self.answer), shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        try:
            listener = listening_socket(address, self.name)
            self.port = int(listener.getsockname()[1])
            await web.SockSite(runner, listener).start()
            ready()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to one request, and count it."""
        signal = SIGNALS.get(request.path, "other")
        received = 0
        try:
            with self._allowance.enter() as held:
                try:
                    taken = await self._receive(request, held)
                finally:
                    received = held.bytes
        except SenderError as error:
            self._meters.refused(signal, error.status, received)
            return _refusal(error)
        self._meters.answered(signal, 200)
        return web.Response(body=exported(taken.rejected, TOO_LARGE), content_type=PROTOBUF)

    async def _receive(self, request: web.BaseRequest, held: Held) -> Ingested:
        _check(request)
        declared = request.content_length
        if declared is not None and declared > self._config.max_body_bytes:
            raise TooLargeError(f"the body is over the limit of {self._config.max_body_bytes} bytes")
        body = await self._read(request, held)
        taken = await self._ingest.ingest(body)
        self._meters.accepted(taken)
        return taken

    async def _read(self, request: web.BaseRequest, held: Held) -> bytes:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        try:
            async with asyncio.timeout(self._config.read_timeout_seconds):
                return await read_body(request.content, encoding, self._config.max_body_bytes, held)
        except TimeoutError as error:
            raise SlowSenderError("the request did not arrive in time") from error
        except web.RequestPayloadError as error:
            raise MalformedInputError("the request's framing is broken") from error


def _check(request: web.BaseRequest) -> None:
    signal = SIGNALS.get(request.path)
    if signal is None:
        raise UnknownPathError(f"nothing is received here; known are {', '.join(SIGNALS)}")
    if request.method != "POST":
        raise WrongMethodError("telemetry is sent with POST")
    if signal != "traces":
        raise UnknownPathError(f"{signal} are not supported yet, only traces")
    if request.content_type != PROTOBUF:
        raise UnsupportedError(f"Content-Type must be {PROTOBUF}")


def _refusal(error: SenderError) -> web.Response:
    response = web.Response(
        status=error.status, body=rpc_status(rpc_code_of(error.status), str(error)), content_type=PROTOBUF
    )
    if isinstance(error, WrongMethodError):
        response.headers["Allow"] = "POST"
    if isinstance(error, OverloadedError):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


class _Connection(web.RequestHandler):
    """aiohttp's protocol, except that its own refusals (no HTTP, a header too long, a bug of ours) speak OTLP too."""

    __slots__ = ()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            self.log_exception("Error handling request", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer is under way already")
        text = "not a valid HTTP request" if status < 500 else "internal error"
        response = web.Response(status=status, body=rpc_status(rpc_code_of(status), text), content_type=PROTOBUF)
        response.force_close()
        return response


class _Server(web.Server):
    """Makes connections that leave decompression to us, because aiohttp's answers a bomb without a Status."""

    @override
    def __call__(self) -> web.RequestHandler:
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # None is aiohttp's way to turn it off
            auto_decompress=False,
            lingering_time=2.0,
            read_bufsize=1 << 18,
        )
