"""Configuration of the sidecar's own traces and metrics."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from sidecar.deliver.config import base_url
from sidecar.model.config import Config
from sidecar.model.url import parse_web_url

Protocol = Literal["http/protobuf", "grpc"]

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[ -~]+")


def _sendable(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"`{name}` is not the name of a header")
        if not _HEADER_VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"the value of `{name}` must be printable ASCII")
    return headers


def _named(attributes: dict[str, str]) -> dict[str, str]:
    if "" in attributes:
        raise ValueError("an attribute needs a name")
    return attributes


class TelemetryConfig(Config):
    """The sidecar's own traces and metrics, sent by OTLP: off unless `endpoint` is set.

    Nothing else turns it on: the variables `OTEL_*` in a pod are for the app, and often lead to this very sidecar.
    """

    endpoint: Annotated[str, AfterValidator(base_url)] | None = Field(
        None,
        description="Base URL of an OTLP receiver, as in `http://collector:4318`; not one of our own listeners. "
        "With `http/protobuf`, `/v1/traces` and `/v1/metrics` are added.",
    )
    protocol: Protocol = Field("http/protobuf", description="`http/protobuf` or `grpc`; usual ports are 4318 and 4317.")
    headers: Annotated[dict[str, SecretStr], AfterValidator(_sendable)] = Field(
        {}, description="Headers of each request, for credentials."
    )
    ca_file: str | None = Field(
        None, description="Certificates (PEM) that an https server is checked against; empty: Mozilla's."
    )
    traces: bool = Field(True, description="Send a span of each scrape, rule group evaluation and delivery of alerts.")
    metrics: bool = Field(True, description="Send what /metrics shows about the sidecar itself.")
    sampling_ratio: float = Field(1.0, ge=0, le=1, description="Share of the spans that are sent.")
    export_interval_seconds: float = Field(
        15.0, ge=0.1, le=3600, description="How often metrics are sent, and how long a span waits for others at most."
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="How long one export may take, tries after a failure included."
    )
    queue_capacity: int = Field(
        2048, ge=1, le=1_000_000, description="Spans that may wait; further ones are dropped and counted."
    )
    resource_attributes: Annotated[dict[str, str], AfterValidator(_named)] = Field(
        {},
        description="Attributes of the sender; `service.name` is `sidecar` and `service.instance.id` is the `instance` "
        "of our metrics unless they are given here.",
    )

    @model_validator(mode="after")
    def _has_no_path_in_vain(self) -> Self:
        path = parse_web_url(self.endpoint).path if self.endpoint is not None else ""
        if path and self.protocol == "grpc":
            raise ValueError("`endpoint` has a path, which means nothing with the protocol `grpc`")
        if path.endswith(("/v1/traces", "/v1/metrics")):
            raise ValueError("`endpoint` is a base URL: leave `/v1/traces` and `/v1/metrics` out, they are added")
        return self
