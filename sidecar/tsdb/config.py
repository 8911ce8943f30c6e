"""Settings of the head."""

from pydantic import Field

from sidecar.model.config import Config


class HeadConfig(Config):
    """How much the store in memory keeps."""

    retention_seconds: int = Field(
        default=3600, ge=60, le=7 * 86400, description="How long samples are kept for rules and queries."
    )
    max_series: int = Field(
        default=50_000,
        ge=100,
        le=2_000_000,
        description="Series kept at once; samples of further ones are refused. Each target is sure of an equal share.",
    )
