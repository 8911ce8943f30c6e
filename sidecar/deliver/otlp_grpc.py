"""Forwarding by OTLP over gRPC: the received bytes are the message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import grpc.aio

from sidecar.codec.otlp.json.conversion import protobuf_of
from sidecar.codec.otlp.upstream import partial_success, retry_delay_seconds
from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.deliver.tls import UpstreamFiles
from sidecar.deliver.transport import Transport, headers_of
from sidecar.model.errors import TargetError
from sidecar.model.forward import JSON, PROTOBUF, ForwardBody
from sidecar.model.url import parse_web_url
from sidecar.runtime.clock import Clock
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.threads.purposes import BODIES

_SERVICES = {"traces": "trace.v1.TraceService", "metrics": "metrics.v1.MetricsService", "logs": "logs.v1.LogsService"}
METHODS = {signal: f"/opentelemetry.proto.collector.{service}/Export" for signal, service in _SERVICES.items()}

RETRYABLE = {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DATA_LOSS,
}
"""By the OTLP specification; RESOURCE_EXHAUSTED too, if it comes with a RetryInfo."""

OPTIONS = (
    ("grpc.max_reconnect_backoff_ms", 5000),  # when to try again is ours to say; the default goes up to two minutes
    ("grpc.enable_retries", 0),
    ("grpc.primary_user_agent", "observability-sidecar"),
)
STATUS_DETAILS = "grpc-status-details-bin"
CLOSE_SECONDS = 1.0


class GrpcTransport:
    """Calls `Export` on one channel, which is opened anew when the certificates changed."""

    def __init__(self, config: ForwardConfig, clock: Clock) -> None:
        assert config.endpoint is not None
        self._config = config
        self._files = SecretFiles()
        self._is_secure = config.endpoint.startswith("https:")
        self._credentials = UpstreamFiles(config, _credentials, clock)
        self._used: grpc.ChannelCredentials | None = None
        self._channel: grpc.aio.Channel | None = None

    async def send(self, body: ForwardBody, seconds: float) -> Outcome:
        """Send one body; one in JSON is converted."""
        try:
            channel = await self._opened()
            metadata = [(name.lower(), value) for name, value in (await headers_of(self._config, self._files)).items()]
            message = await self._message(body)
        except TargetError as error:
            return Retry(str(error))
        except Exception as error:  # noqa: BLE001 - the edge: a body that breaks the conversion must harm no other
            return Rejected(f"cannot be converted from JSON: {type(error).__name__}: {error}")
        try:
            export: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHODS[body.signal])
            answer = await export(message, timeout=seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return _outcome(error)
        partial = partial_success(PROTOBUF, answer)
        return Delivered(partial.refused, partial.message)

    async def close(self) -> None:
        """Close the channel; calls under way may end for a second."""
        if self._channel is not None:
            await self._channel.close(CLOSE_SECONDS)

    async def _message(self, body: ForwardBody) -> bytes:
        if body.content_type != JSON:
            return body.body
        return await BODIES.run(partial(protobuf_of, body.signal, body.body))

    async def _opened(self) -> grpc.aio.Channel:
        credentials = await self._credentials.get() if self._is_secure else None
        if self._channel is None or credentials is not self._used:
            old, self._channel = self._channel, self._open(credentials)
            self._used = credentials
            if old is not None:
                await old.close(self._config.timeout_seconds)
        return self._channel

    def _open(self, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
        address = parse_web_url(str(self._config.endpoint))
        target = address.netloc if address.port else f"{address.netloc}:4317"
        compression = grpc.Compression.Gzip if self._config.compression == "gzip" else grpc.Compression.NoCompression
        if credentials is None:
            return grpc.aio.insecure_channel(target, OPTIONS, compression)
        return grpc.aio.secure_channel(target, credentials, OPTIONS, compression)


@asynccontextmanager
async def open_grpc_transport(config: ForwardConfig, clock: Clock) -> AsyncIterator[Transport]:
    """Open a transport; nothing is connected yet."""
    transport = GrpcTransport(config, clock)
    try:
        yield transport
    finally:
        await transport.close()


def _outcome(error: grpc.aio.AioRpcError) -> Outcome:
    code = error.code()
    details = " ".join((error.details() or "").split())[:200]
    reason = f"{code.name}, `{details}`"
    asked = _asked_delay_seconds(error)
    if code in RETRYABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and asked is not None):
        return Retry(reason, asked or 0.0)
    return Rejected(reason)


def _asked_delay_seconds(error: grpc.aio.AioRpcError) -> float | None:
    for name, value in error.trailing_metadata() or ():
        if name == STATUS_DETAILS and isinstance(value, bytes):
            return retry_delay_seconds(value)
    return None


def _credentials(config: ForwardConfig) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(_read(config.ca_file), _read(config.key_file), _read(config.certificate_file))


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
