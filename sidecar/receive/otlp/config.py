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
    max_body_bytes: int = Field(
        64 * MIB, gt=0, description="Largest request, as sent and after decompression; a larger one is answered 413."
    )
    max_in_flight_bytes: int = Field(
        128 * MIB,
        gt=0,
        description="What all requests that are being worked on may hold together; beyond it the answer is 503.",
    )
    max_concurrent_requests: int = Field(
        256, gt=0, description="Requests worked on at once; beyond it the answer is 503."
    )
    read_timeout_seconds: float = Field(
        30, gt=0, description="How long a sender may take to send one request; then the answer is 408."
    )

    @model_validator(mode="after")
    def _one_body_fits(self) -> "OtlpHttpConfig":
        if self.max_in_flight_bytes < self.max_body_bytes:
            raise ValueError("`max_in_flight_bytes` must not be less than `max_body_bytes`")
        return self


class OtlpConfig(Config):
    """Receiving telemetry from instrumented applications."""

    http: OtlpHttpConfig = Field(OtlpHttpConfig(), description="OTLP over HTTP.")
    metrics: OtlpMetricsConfig = OtlpMetricsConfig()
    logs: OtlpLogsConfig = OtlpLogsConfig()
