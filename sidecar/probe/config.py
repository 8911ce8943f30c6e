"""Configuration of the app's checks and of what they mean for the probes."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from sidecar.model.address import ListenAddress
from sidecar.model.config import Config
from sidecar.model.url import parse_web_url

Role = Literal["app", "ready"]


class CheckConfig(Config):
    """What every kind of check has."""

    name: str = Field(
        "app",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in metrics, in /readyz/<name> and in answers.",
    )
    role: Role = Field(
        "app",
        description="`app`: startup, liveness (a hang) and readiness; `ready`: readiness only.",
    )
    interval_seconds: float = Field(2.0, gt=0, le=300, description="Time from one run to the next.")
    timeout_seconds: float = Field(1.0, gt=0, le=60, description="Deadline around one whole run.")


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


class TcpCheckConfig(CheckConfig):
    """Open a TCP connection to the app."""

    kind: Literal["tcp"]
    address: ListenAddress = Field(description="`host:port` that the app listens on.")


def _http_unless_said(check: Any) -> Any:
    return {"kind": "http", **check} if isinstance(check, dict) else check


AnyCheckConfig = Annotated[
    Annotated[HttpCheckConfig | TcpCheckConfig, Field(discriminator="kind")], BeforeValidator(_http_unless_said)
]


class ProbesConfig(Config):
    """The app's checks and the thresholds of /livez, /readyz and /startupz."""

    checks: tuple[AnyCheckConfig, ...] = Field(
        (), description="Checks of the app; none: the probes speak for the sidecar."
    )
    failure_threshold: int = Field(3, ge=1, description="Consecutive failures before a check counts as failed.")
    success_threshold: int = Field(
        1, ge=1, description="Consecutive passes before a failed check counts as good again."
    )
    hang_threshold: int = Field(5, ge=1, description="Consecutive timeouts before /livez fails.")
    restart_grace_seconds: float = Field(
        60.0, ge=0, description="How long the app may refuse connections before /livez fails."
    )
    minimum_dwell_seconds: float = Field(
        5.0, ge=0, description="A check that changed keeps its new state at least so long."
    )
    unknown_grace_seconds: float = Field(
        30.0, ge=0, description="How long readiness outlives a check that stopped reporting."
    )
    settle_seconds: float = Field(
        30.0, ge=0, description="/livez never fails on behalf of the app in the first seconds of us."
    )
    trusted_loop_lag_seconds: float = Field(
        0.25, gt=0, description="Timeouts count as a hang only if our own event loop was never later than this."
    )

    @field_validator("checks")
    @classmethod
    def _names_differ(cls, checks: tuple[AnyCheckConfig, ...]) -> tuple[AnyCheckConfig, ...]:
        names = [check.name for check in checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"check name `{twice[0]}` is given twice")
        return checks
