"""Configuration of the app's checks and of what they mean for the probes."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from sidecar.model.config import Config
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.checks.tcp.config import TcpCheckConfig


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
