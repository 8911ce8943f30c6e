"""OTLP over HTTP: the listener, and the dialogue with a sender."""

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

from sidecar.codec.otlp.signal import SIGNALS, Signal
from sidecar.model.address import Address
from sidecar.model.errors import MalformedInputError, SenderError, TooLargeError, UnsupportedError
from sidecar.receive.otlp.allowance import Held
from sidecar.receive.otlp.body import read_body
from sidecar.receive.otlp.cors import Cors
from sidecar.receive.otlp.formats import FORMATS, PROTOBUF, Format
from sidecar.receive.otlp.meters import OtlpMeters
from sidecar.receive.otlp.reception import STOP_SECONDS, Reception
from sidecar.receive.otlp.refusal import (
    SlowSenderError,
    UnknownPathError,
    WrongMethodError,
    retry_after,
    rpc_code_of,
)
from sidecar.runtime.http_server import BoundedServer, Bounds, serve
from sidecar.runtime.meter import Meter

PATHS: Mapping[str, Signal] = {signal.path: signal for signal in SIGNALS}
BOUNDS = Bounds(
    max_connections=512,
    request_seconds=None,
    idle_seconds=None,
    cancel_when_gone=False,
    options={"access_log": None, "auto_decompress": False, "lingering_time": 2.0, "read_bufsize": 1 << 18},
)
"""A process may have 1,024 files open as a rule, and the probes need some of them too. Decompression is ours: aiohttp
answers a bomb without a Status."""
STATUSES = ("200", "204", "400", "404", "405", "408", "413", "415", "500", "503")


class OtlpHttpReceiver:
    """Component that receives telemetry by POST to /v1/traces, /v1/metrics and /v1/logs and gives it to sinks.

    A request counts as a whole or not at all, except that items of absurd size are left out, and those that a sink
    refuses, which the answer says; every refusal has a google.rpc.Status as its body. Answers are in the format of the
    request, in protobuf if that is none of ours. One that is sent again after it was accepted counts again: OTLP has no
    request identity to know it by.
    """

    def __init__(self, reception: Reception, meter: Meter) -> None:
        self.name = "otlp_http"
        self._reception = reception
        self._config = reception.config.http
        assert self._config.listen is not None, "a receiver that is turned off is not made"
        self.address = self._config.listen
        self._cors = Cors(self._config.cors_allowed_origins)
        self._meters = OtlpMeters(meter, "http", STATUSES)
        self._closed = meter.counter(
            "sidecar_otlp_http_connections_closed_total",
            "Connections to the OTLP port that were closed while they waited, because there were "
            f"{BOUNDS.max_connections}.",
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until cancelled; `address` is the real one once ready. Raises OperatorError if it cannot listen."""
        server = BoundedServer(self.answer, BOUNDS, closed=self._closed.inc, refuse=_refused_by_aiohttp)

        def listening(address: Address) -> None:
            self.address = address
            ready()

        await serve(web.ServerRunner(server, shutdown_timeout=STOP_SECONDS), self.address, self.name, listening)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Return the answer to one request, and count it."""
        signal = PATHS.get(request.path)
        response = self._cors.preflight(request) if signal else None
        if response is not None:
            self._meters.answered(signal, str(response.status))
            return response
        form = FORMATS.get(request.content_type, PROTOBUF)
        received = 0
        try:
            with self._reception.allowance.enter() as held:
                try:
                    response = await self._take(request, _checked(request, signal), form, held)
                finally:
                    received = held.bytes
        except SenderError as error:
            self._meters.refused(signal, str(error.status), received)
            response = _refusal(error, form)
        except Exception:
            self._meters.refused(signal, "500", received)
            raise  # to the connection, which says so to the sender and to the log
        else:
            self._meters.answered(signal, "200")
        response.headers.update(self._cors.headers(request))
        return response

    async def _take(self, request: web.BaseRequest, signal: Signal, form: Format, held: Held) -> web.Response:
        """Return the answer to a request that was taken; raise SenderError."""
        ingest = self._reception.ingest_of(signal)
        body = await self._read(request, form, held)
        taken = await ingest.ingest(body, form.reader(ingest), held)
        self._meters.accepted(signal, taken)
        answer = form.exported(signal, taken.lost, taken.reason)
        return web.Response(body=answer, content_type=form.content_type)

    async def _read(self, request: web.BaseRequest, form: Format, held: Held) -> bytes:
        limit = form.max_bytes(self._reception.config)
        if request.content_length is not None and request.content_length > limit:
            raise TooLargeError(f"the body is over the limit of {limit} bytes")
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        try:
            async with asyncio.timeout(self._reception.config.read_timeout_seconds):
                return await read_body(request.content, encoding, limit, held)
        except TimeoutError as error:
            raise SlowSenderError("the request did not arrive in time") from error
        except web.RequestPayloadError as error:
            raise MalformedInputError("the request's framing is broken") from error


def _checked(request: web.BaseRequest, signal: Signal | None) -> Signal:
    """Return `signal` if the request is one for it; raise SenderError."""
    if signal is None:
        raise UnknownPathError(f"nothing is received here; known are {', '.join(PATHS)}")
    if request.method != "POST":
        raise WrongMethodError("telemetry is sent with POST")
    if request.content_type not in FORMATS:
        raise UnsupportedError(f"Content-Type must be one of {', '.join(FORMATS)}")
    return signal


def _refused_by_aiohttp(request: web.BaseRequest, status: int) -> web.Response:
    """Return aiohttp's own refusals, of what is no HTTP or of a bug of ours, in OTLP's words."""
    form = FORMATS.get(request.content_type, PROTOBUF)
    text = "not a valid HTTP request" if status < 500 else "internal error"
    return web.Response(status=status, body=form.status(rpc_code_of(status), text), content_type=form.content_type)


def _refusal(error: SenderError, form: Format) -> web.Response:
    code = rpc_code_of(error.status)
    response = web.Response(status=error.status, body=form.status(code, str(error)), content_type=form.content_type)
    if isinstance(error, WrongMethodError):
        response.headers["Allow"] = "POST"
    seconds = retry_after(error)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response
