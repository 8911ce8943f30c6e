"""Configuration of logging."""

from typing import Literal

from pydantic import Field

from sidecar.model.config import Config

LogFormat = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]


class LogConfig(Config):
    """How the sidecar logs; always to standard error."""

    format: LogFormat = Field("json", description="`json`: one object a line; `console`: one line of text for people.")
    level: Level = Field("info", description="Lowest level that is written.")
