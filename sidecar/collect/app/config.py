"""Configuration of an endpoint where the app shows its own metrics."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from sidecar.collect.config import TargetConfig
from sidecar.model.url import parse_web_url


class AppMetricsConfig(TargetConfig):
    """An endpoint where the app shows its own metrics, scraped as Prometheus does it."""

    name: str = Field(
        "app",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in logs, in labels and in `/probe?target=`; unique.",
    )
    url: str = Field(description="URL of the metrics, path included, for instance http://127.0.0.1:8000/metrics.")
    merge: bool = Field(
        False,
        description="Show the metrics on our /metrics too: one scrape target per pod. "
        "Leave it off where Prometheus scrapes the app itself.",
    )
    max_body_bytes: int = Field(
        10 * 2**20, ge=1024, le=2**30, description="Longest answer, decompressed; a longer one fails the scrape."
    )
    max_series: int = Field(5000, ge=1, description="Most samples in an answer; more fail the scrape as a whole.")
    bearer_token_file: str | None = Field(None, description="File that holds a bearer token, read at each scrape.")
    ca_file: str | None = Field(
        None, description="Certificates (PEM) that an https server is checked against; empty: those of the system."
    )
    insecure_skip_verify: bool = Field(False, description="Take any certificate of an https server.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parse_web_url(url)
        return url

    @model_validator(mode="after")
    def _checks_in_one_way(self) -> Self:
        if self.ca_file is not None and self.insecure_skip_verify:
            raise ValueError("`ca_file` means nothing with `insecure_skip_verify`; set one of them")
        return self
