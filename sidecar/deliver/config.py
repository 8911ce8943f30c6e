"""Configuration of receivers."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from sidecar.model.config import Config
from sidecar.model.forward import SIGNALS, Signal
from sidecar.model.url import parse_web_url

MIB = 2**20

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OUR_HEADERS = {"host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "te"}


def base_url(url: str) -> str:
    """Return the URL without a slash at its end; the message never repeats credentials."""
    parts = parse_web_url(url)
    if parts.query or parts.fragment:
        raise ValueError("a URL with a query or a fragment cannot have a path added to it")
    return url.rstrip("/")


class BasicAuthConfig(Config):
    """User name and password; the password from the configuration or from a file that is read at each request."""

    username: str = Field(description="User name.")
    password: SecretStr | None = Field(None, description="Password.")
    password_file: str | None = Field(None, description="File that holds the password.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("set exactly one of `password` and `password_file`")
        return self


class ForwardConfig(Config):
    """The upstream that gets what was received by OTLP: as it was received, or masked."""

    endpoint: Annotated[str, AfterValidator(base_url)] | None = Field(
        None,
        description="Base URL of an OTLP endpoint, as in `http://collector:4318`; `/v1/traces` and so on are added. "
        "`null`: nothing is forwarded.",
    )
    protocol: Literal["http/protobuf", "grpc"] = Field(
        "http/protobuf", description="How the upstream is spoken to. JSON goes on as JSON by HTTP."
    )
    signals: tuple[Signal, ...] = Field(SIGNALS, description="What is forwarded.")
    redact: bool = Field(
        False,
        description="Mask what is forwarded by the settings under `redact`, as all that is kept or shown; JSON becomes "
        "protobuf then.",
    )
    headers: dict[str, SecretStr] = Field({}, description="Headers of each request, by name.")
    header_files: dict[str, str] = Field(
        {}, description="Files that hold the value of a header, by its name; read at each request."
    )
    compression: Literal["none", "gzip"] = Field("none", description="How bodies are compressed.")
    timeout_seconds: float = Field(10, gt=0, description="Longest time one request may take, connecting included.")
    max_concurrent_requests: int = Field(4, ge=1, le=64, description="Requests under way at once.")
    queue_max_bytes: int = Field(
        64 * MIB,
        ge=1,
        description="Bodies in memory, those under way included; beyond it the oldest are dropped and counted. With "
        "`redact` as much again may wait to be masked.",
    )
    queue_max_requests: int = Field(10_000, ge=1, description="Bodies that may wait in memory.")
    spill_max_bytes: int = Field(
        0,
        ge=0,
        description="Bodies in the state file while the upstream does not take them; the oldest are dropped and "
        "counted. Needs `state.path`; 0: none.",
    )
    ca_file: str | None = Field(
        None, description="Certificates (PEM) that an https upstream is checked against; empty: those of the system."
    )
    certificate_file: str | None = Field(None, description="Our certificate (PEM), where the upstream asks for one.")
    key_file: str | None = Field(None, description="Private key (PEM) of `certificate_file`.")

    @field_validator("endpoint")
    @classmethod
    def _is_a_base(cls, endpoint: str | None) -> str | None:
        for signal in SIGNALS:
            if endpoint is not None and endpoint.endswith(f"/v1/{signal}"):
                raise ValueError(f"leave `/v1/{signal}` out, it is added")
        return endpoint

    @field_validator("headers", "header_files")
    @classmethod
    def _may_be_set(cls, headers: dict[str, Any]) -> dict[str, Any]:
        for name in headers:
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"`{name}` is not a name of a header")
            if name.lower() in _OUR_HEADERS or name.lower().startswith("grpc-"):
                raise ValueError(f"header `{name}` cannot be set")
        return headers

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        twice = {name.lower() for name in self.headers} & {name.lower() for name in self.header_files}
        if twice:
            raise ValueError(f"header `{min(twice)}` is in `headers` and in `header_files`")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("set both of `certificate_file` and `key_file`, or none")
        if 0 < self.spill_max_bytes < self.queue_max_bytes:
            raise ValueError("`spill_max_bytes` must not be less than `queue_max_bytes`")
        if self.protocol == "grpc" and self.endpoint is not None and parse_web_url(self.endpoint).path:
            raise ValueError("an endpoint of gRPC has no path")
        return self
