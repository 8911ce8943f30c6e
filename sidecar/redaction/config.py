"""Configuration of what is masked in telemetry."""

from pydantic import Field, field_validator

from sidecar.model.config import Config

SENSITIVE = (
    "*password*",
    "*passwd*",
    "*passphrase*",
    "*secret*",
    "*token",
    "*credential*",
    "*authorization*",
    "*cookie*",
    "*api_key*",
    "*api-key*",
    "*apikey*",
    "*private_key*",
    "*access_key*",
    "*session.id",
    "*session_id",
    "*.parameter.*",
    "enduser.*",
    "user.*",
)


class RedactConfig(Config):
    """What is masked as `***` in all telemetry that the sidecar keeps or shows: errors, traces, queries."""

    attributes: tuple[str, ...] = Field(
        SENSITIVE,
        max_length=200,
        description="Keys of attributes whose texts are masked; `*` stands for anything, case does not matter.",
    )
    patterns: tuple[str, ...] = Field(
        (), max_length=100, description="Regular expressions (RE2) of what is masked wherever it stands in a text."
    )
    credentials: bool = Field(
        True, description="Mask bearer tokens, keys of well-known form, `password=...` and users in URLs."
    )
    emails: bool = Field(True, description="Mask e-mail addresses.")
    cards: bool = Field(True, description="Mask numbers of payment cards.")
    sql_literals: bool = Field(
        True, description="Mask literals of SQL and arguments of Redis commands, in attributes and messages."
    )

    @field_validator("patterns")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        import re2  # type: ignore[import-untyped] # google-re2 ships no types

        for pattern in patterns:
            try:
                re2.compile(pattern)
            except re2.error as error:
                raise ValueError(f"`{pattern}` is not a regular expression: {error}") from error
        return patterns
