"""Configuration of the state file."""

from pydantic import Field

from sidecar.model.config import Config


class StateConfig(Config):
    """What survives a restart of the sidecar."""

    path: str | None = Field(
        None,
        min_length=1,
        description="SQLite file that is made when it is missing; its folder must exist. `null`: memory only.",
    )
