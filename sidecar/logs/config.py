"""Configuration of what is derived from received log records."""

from pydantic import Field

from sidecar.model.config import Config


class OtlpLogsConfig(Config):
    """Log records received by OTLP, which are counted and not kept."""

    max_services: int = Field(
        10, gt=0, description="Services that are counted; further ones are added up in an overflow series."
    )
