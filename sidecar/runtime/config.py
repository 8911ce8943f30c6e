"""Configuration of logging."""

from typing import Literal

from pydantic import Field

from sidecar.model.config import Config

LogFormat = Literal["auto", "json", "console"]
Level = Literal["debug", "info", "warning", "error"]


class LogConfig(Config):
    """How the sidecar logs; always to standard error."""

    format: LogFormat = Field(
        "auto",
        description="`json`: one object a line; `console`: one line of text for people; `auto`: `console` where "
        "standard error is a terminal, else `json`.",
    )
    level: Level = Field("info", description="Lowest level that is written.")
