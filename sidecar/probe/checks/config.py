"""What the configuration of every kind of check has."""

from typing import Literal

from pydantic import Field

from sidecar.model.config import Config

Role = Literal["app", "ready"]


class CheckConfig(Config):
    """What every kind of check has; a kind adds `kind`, the literal that names it, and what it asks."""

    name: str = Field(
        "app",
        pattern=r"^[a-z][a-z0-9_-]{0,62}$",
        description="Name in metrics, in /readyz/<name> and in answers.",
    )
    role: Role = Field(
        "app",
        description="`app`: startup, liveness (a hang) and readiness; `ready`: readiness only.",
    )
    interval_seconds: float = Field(2.0, ge=0.1, le=300, description="Time from one run to the next.")
    timeout_seconds: float = Field(1.0, gt=0, le=60, description="Deadline around one whole run.")
