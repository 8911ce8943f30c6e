"""Configuration of the http check."""

from typing import Literal

from pydantic import Field, field_validator

from sidecar.model.url import parse_web_url
from sidecar.probe.checks.config import CheckConfig


class HttpCheckConfig(CheckConfig):
    """GET a URL of the app as kubelet does: 200 to 399 is good, redirects within the host are followed."""

    kind: Literal["http"] = "http"
    url: str = Field(
        description="URL on loopback or the pod's own address, for instance http://127.0.0.1:8080/healthz."
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parse_web_url(url)
        return url
