"""Configuration of single keys and streams: which are told about, and how much of them."""

from typing import Annotated, TypeAlias

from pydantic import Field

from sidecar.model.config import Config

NAME_LIMIT = 200
"""Most characters of a key's, group's or consumer's name: names become labels."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
"""Name of a key or group."""

Database: TypeAlias = Annotated[int | None, Field(ge=0)]
"""Number of a database, or None for the connection's own."""


class PlaceConfig(Config):
    """What is in one of the databases."""

    db: Database = Field(None, description="Number of the database; empty: the one that the URL names.")


class StreamConfig(PlaceConfig):
    """A stream by its name."""

    name: Name = Field(description="Key of the stream.")


class KeyConfig(PlaceConfig):
    """A key by its name."""

    name: Name = Field(description="Name of the key.")
    value: bool = Field(False, description="Show the value of a string that is a number.")
    value_as_string: bool = Field(
        False, description="Show a short string that is no number as a label: whoever sees the metrics sees it."
    )


class PatternConfig(PlaceConfig):
    """Keys that a glob pattern matches; found with SCAN, which passes over all keys of the database."""

    pattern: Name = Field(description="Glob pattern as in SCAN: `session:*`.")


class ScanConfig(Config):
    """How far patterns may go."""

    max_scanned: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description="A database with more keys is not searched for patterns: each scrape would pass over all of them.",
    )


class StreamsConfig(ScanConfig):
    """Streams with their groups and consumers, as in redis_exporter's check-streams and check-single-streams."""

    names: tuple[StreamConfig, ...] = Field((), max_length=1000, description="Streams by name.")
    patterns: tuple[PatternConfig, ...] = Field((), max_length=20, description="Streams by pattern.")
    consumers: bool = Field(True, description="Show each consumer of each group.")
    max_streams: int = Field(100, ge=1, le=1000, description="Most streams that patterns add.")
    max_groups: int = Field(50, ge=1, le=1000, description="Most groups shown of a stream.")
    max_consumers: int = Field(
        50, ge=1, le=1000, description="Most consumers shown of a group: those with most entries pending."
    )


class KeysConfig(ScanConfig):
    """Single keys, as in redis_exporter's check-keys, check-single-keys and count-keys."""

    names: tuple[KeyConfig, ...] = Field((), max_length=1000, description="Keys by name.")
    patterns: tuple[PatternConfig, ...] = Field(
        (), max_length=20, description="Keys by pattern; their values are never shown."
    )
    counts: tuple[PatternConfig, ...] = Field((), max_length=20, description="Patterns whose keys are only counted.")
    max_keys: int = Field(100, ge=1, le=1000, description="Most keys that patterns add.")
