"""Configuration of error groups."""

from pydantic import Field

from sidecar.model.config import Config


class ErrorGroupsConfig(Config):
    """How errors of received spans and log records are kept in groups."""

    max_groups: int = Field(
        1000,
        gt=0,
        le=100_000,
        description="Groups kept, about 5 KB each; the oldest of the service with the most goes.",
    )
    new_for_seconds: float = Field(
        86_400, gt=0, description="How long a group is `new`, or `regressed` after it came back; then it is `ongoing`."
    )
