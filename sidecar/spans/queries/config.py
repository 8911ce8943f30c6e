"""Configuration of what is kept about queries."""

from pydantic import Field, model_validator

from sidecar.model.config import Config


class NPlusOneConfig(Config):
    """When queries of one request count as an N+1: the same one again and again, where one query would do."""

    min_calls: int = Field(5, ge=2, description="Calls of one query for one request.")
    min_calls_cache: int = Field(10, ge=2, description="The same for Redis and other caches.")
    min_seconds: float = Field(0.05, ge=0, description="What these calls take together.")
    grace_seconds: float = Field(
        5.0, ge=0, le=300, description="How long spans are waited for after that of the request has come."
    )
    max_findings: int = Field(500, gt=0, description="Findings kept; the oldest of the service with the most goes.")
    max_pending_spans: int = Field(
        100_000,
        ge=1000,
        description="Spans that wait for their request, 110 bytes each; with more, requests are looked at earlier.",
    )


class QueriesConfig(Config):
    """What is kept about the queries that client spans tell of, in memory and for the API."""

    max_queries: int = Field(
        1000, gt=0, le=100_000, description="Queries kept, about 3 KB each; those worth least go, within fair shares."
    )
    slow_seconds: float = Field(0.1, gt=0, description="A query that takes longer is slow.")
    warning_seconds: float = Field(0.5, gt=0, description="One that takes as long is a warning.")
    critical_seconds: float = Field(2.0, gt=0, description="One that takes longer is critical.")
    n_plus_one: NPlusOneConfig = NPlusOneConfig()

    @model_validator(mode="after")
    def _rising(self) -> "QueriesConfig":
        if not self.slow_seconds <= self.warning_seconds <= self.critical_seconds:
            raise ValueError("`slow_seconds`, `warning_seconds` and `critical_seconds` must rise")
        return self
