"""What a queries file may say: of a query, and of a column of its result."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from sidecar.collect.postgres.queries.statement import one_statement
from sidecar.collect.postgres.queries.versions import parse_versions
from sidecar.model.config import Config
from sidecar.model.yaml.validation import suggestion

_VERSION = re.compile(r"\d+(?:\.\d+){0,2}")


class Usage(StrEnum):
    """What becomes of a column."""

    LABEL = "LABEL"
    COUNTER = "COUNTER"
    GAUGE = "GAUGE"
    HISTOGRAM = "HISTOGRAM"
    DURATION = "DURATION"
    MAPPEDMETRIC = "MAPPEDMETRIC"
    DISCARD = "DISCARD"


def _range(text: str) -> str:
    parse_versions(text)
    return text


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise ValueError(f"`{text}` is not a version such as `13` or `9.6`")
    return text


class ColumnConfig(Config):
    """What a column is used for."""

    usage: Usage
    description: str = ""
    metric_mapping: dict[str, float] = Field({}, description="Numbers for the texts of a MAPPEDMETRIC.")

    @field_validator("usage", mode="before")
    @classmethod
    def _is_known(cls, usage: Any) -> Any:
        if usage not in list(Usage):
            raise ValueError(f"there is no usage `{usage}`{suggestion(str(usage).upper(), list(Usage))}")
        return usage

    @model_validator(mode="after")
    def _maps_only_what_is_mapped(self) -> Self:
        if bool(self.metric_mapping) != (self.usage is Usage.MAPPEDMETRIC):
            raise ValueError("`metric_mapping` goes with the usage MAPPEDMETRIC, and only with it")
        return self


class QueryConfig(Config):
    """A query; the keys up to `runonserver` are postgres_exporter's."""

    query: Annotated[str, AfterValidator(one_statement)]
    metrics: tuple[dict[str, Any], ...] = ()
    master: bool = Field(False, description="Ask only in the DSN's own database, also where others are discovered.")
    cache_seconds: float = Field(0, ge=0, le=86_400, description="Another name of `interval_seconds`.")
    runonserver: Annotated[str, AfterValidator(_range)] | None = Field(
        None, description="Versions it is for, `>=10.0.0 <12.0.0`."
    )
    interval_seconds: float = Field(0, ge=0, le=86_400, description="How seldom it is asked; 0: at each scrape.")
    timeout_seconds: float | None = Field(None, ge=0.001, description="Limit of its own; empty: that of every view.")
    min_version: Annotated[str, AfterValidator(_version)] | None = Field(None, description="`13` or `9.6`.")
    max_version: Annotated[str, AfterValidator(_version)] | None = Field(None, description="`16`: up to all 16.x.")
    predicate: Annotated[str, AfterValidator(one_statement)] | None = Field(
        None, description="SQL for one boolean; where it is not true, the query is not asked."
    )
    databases: bool | None = Field(
        None, description="Whether to ask in each discovered database; empty: unless `master`."
    )
    max_rows: int = Field(1000, ge=1, le=100_000, description="Rows that are taken; the rest is counted.")
    max_label_length: int = Field(200, ge=1, le=10_000, description="Label values are cut to so many characters.")

    @model_validator(mode="after")
    def _has_one_interval(self) -> Self:
        if self.cache_seconds and self.interval_seconds:
            raise ValueError("give one of `cache_seconds` and `interval_seconds`")
        return self

    @model_validator(mode="after")
    def _is_for_one_or_all_databases(self) -> Self:
        if self.master and self.databases:
            raise ValueError("give one of `master` and `databases`")
        return self
