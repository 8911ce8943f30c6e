"""The base of every configuration model."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """A frozen, strict part of the configuration; a field's description is its reference."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, defer_build=True
    )


FileName = Annotated[str, Field(min_length=1)]
"""The name of a file, or a pattern of names; in what can be read of a configuration with mistakes it may be empty."""
