"""Configuration of the OTLP receivers."""

from pydantic import Field, model_validator

from sidecar.logs.config import OtlpLogsConfig
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.model.address import Address, ListenAddress
from sidecar.model.config import Config

MIB = 1 << 20


class OtlpHttpConfig(Config):
    """OTLP over HTTP."""

    listen: ListenAddress | None = Field(
        Address("127.0.0.1", 4318), description="Where to listen; `null` turns the receiver off."
    )
    cors_allowed_origins: tuple[str, ...] = Field(
        (),
        description="Origins of web pages that may send from a browser, such as `https://shop.example`; `*` is any.",
    )


class OtlpGrpcConfig(Config):
    """OTLP over gRPC."""

    listen: ListenAddress | None = Field(
        Address("127.0.0.1", 4317), description="Where to listen; `null` turns the receiver off."
    )


class OtlpConfig(Config):
    """Receiving telemetry from instrumented applications. The limits are of all transports together."""

    http: OtlpHttpConfig = OtlpHttpConfig()
    grpc: OtlpGrpcConfig = OtlpGrpcConfig()
    metrics: OtlpMetricsConfig = OtlpMetricsConfig()
    logs: OtlpLogsConfig = OtlpLogsConfig()
    max_body_bytes: int = Field(
        64 * MIB,
        gt=0,
        description="Largest request, as sent and after decompression; a larger one is answered 413 or"
        " RESOURCE_EXHAUSTED.",
    )
    max_json_bytes: int = Field(
        4 * MIB,
        gt=0,
        description="The same for a request in JSON, which is parsed at once: each MiB takes about 1 ms.",
    )
    max_in_flight_bytes: int = Field(
        128 * MIB,
        gt=0,
        description="What all requests that are being worked on may hold together; beyond it the answer is 503 or"
        " UNAVAILABLE.",
    )
    max_concurrent_requests: int = Field(
        256, gt=0, description="Requests worked on at once; beyond it the answer is 503 or UNAVAILABLE."
    )
    read_timeout_seconds: float = Field(
        30,
        gt=0,
        description="How long a sender may take to send one request; then the answer is 408 or DEADLINE_EXCEEDED.",
    )

    @model_validator(mode="after")
    def _one_body_fits(self) -> "OtlpConfig":
        if self.max_in_flight_bytes < self.max_body_bytes:
            raise ValueError("`max_in_flight_bytes` must not be less than `max_body_bytes`")
        return self
