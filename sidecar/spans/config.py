"""Configuration of what is derived from spans."""

import re
from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator

from sidecar.derive.limits import Limits
from sidecar.model.config import Config

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Names = Literal["default", "collector_ms", "tempo", "semconv"]

_TAKEN = frozenset(
    {
        "service",
        "service_name",
        "span_name",
        "span_kind",
        "status_code",
        "le",
        "otel_metric_overflow",
        "job",
        "instance",
    }
)
"""Labels that series have already, by whatever names."""


class DimensionConfig(Config):
    """An attribute that becomes a label of the span metrics."""

    name: str = Field(
        min_length=1,
        max_length=256,
        description="Attribute of the span, else of its resource. The label is called the same, with `_` for what a "
        "label may not have.",
    )
    default: str | None = Field(
        None, description="Value where neither has the attribute; without one the label is left out."
    )

    @property
    def label(self) -> str:
        """The label's name."""
        return re.sub(r"^(?=\d)|[^a-zA-Z0-9_]", "_", self.name)


def _rising(bounds: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if bounds and (any(low >= high for low, high in pairwise(bounds)) or bounds[0] <= 0):
        raise ValueError("the bounds must be above zero and rise from one to the next")
    return bounds


class ServiceGraphConfig(Config):
    """Who calls whom, as `traces_service_graph_*`: the metrics that Grafana draws its service graph from."""

    enabled: bool = Field(True, description="Whether there is a service graph; spans that wait cost most.")
    wait_seconds: float = Field(
        10.0,
        gt=0,
        le=300,
        description="How long a call waits for the span of who served it, after its request was complete; then it went "
        "to somebody who sends no spans. What was served waits a minute for its caller.",
    )
    max_edges_per_service: int = Field(
        50, gt=0, description="Edges that one service tells of, 40 samples each; further ones are added up in one."
    )
    buckets_seconds: tuple[float, ...] | None = Field(
        None,
        description="Upper bounds of both histograms; `null`: those of the collector's connector, 0.002 to 15.",
        min_length=1,
        max_length=100,
    )

    _bounds_rise = field_validator("buckets_seconds")(_rising)


class SpansConfig(Config):
    """Which metrics spans become, and how many series they may take; /metrics shows them as of the last interval."""

    names: Names = Field(
        "default",
        description="Names of the span metrics: `default` are those of OpenTelemetry's collector in seconds, "
        "`collector_ms` the same in milliseconds, `tempo` those of Grafana Tempo, `semconv` one histogram per kind of "
        "call as OpenTelemetry's conventions name it.",
    )
    namespace: str = Field(
        "traces.span.metrics",
        pattern=r"^([a-zA-Z_][a-zA-Z0-9_.]*)?$",
        max_length=100,
        description="What the collector's names begin with; empty for those of collectors before 0.109, `calls_total`.",
    )
    kinds: tuple[Kind, ...] = Field(
        ("server", "client", "producer", "consumer"), description="Kinds of spans that are counted and timed."
    )
    dimensions: tuple[DimensionConfig, ...] = Field(
        (), max_length=16, description="Attributes that become labels of the span metrics, each value a series more."
    )
    buckets_seconds: tuple[float, ...] | None = Field(
        None,
        description="Upper bounds of the duration histograms; `null`: those that go with the names, for the "
        "sidecar's own OpenTelemetry's bounds for HTTP, 0.005 to 10.",
        min_length=1,
        max_length=100,
    )
    apdex_seconds: float = Field(
        0.5, gt=0, description="How long a request may take to satisfy; up to four times as long it is tolerated."
    )
    slow_seconds: float = Field(1.0, gt=0, description="A request that takes longer is slow.")
    expire_after_seconds: float = Field(
        90_000,
        ge=0,
        description="How long a series stays without a span; then its labels and its place in the limits are free. The "
        "default is a day and an hour, so that what runs daily keeps its counters. 0: forever.",
    )
    max_series_per_service: int = Field(
        200, gt=0, description="Label sets of one metric and service; further ones are added up in an overflow series."
    )
    max_services: int = Field(
        10, gt=0, description="Services of one metric; further ones are added up in an overflow series."
    )
    max_error_types_per_service: int = Field(
        100, gt=0, description="Exception types of one service; further ones are added up in an overflow series."
    )

    max_samples: int = Field(
        20_000,
        ge=1_000,
        description="Samples of all these metrics together, for a histogram one per bucket; keep it well below "
        "`head.max_series`. Further label sets are added up in an overflow series.",
    )

    service_graph: ServiceGraphConfig = ServiceGraphConfig()

    def limits(self, samples_per_series: int) -> Limits:
        """Return the limits of a metric whose series are that many samples."""
        return Limits(self.max_services, self.max_series_per_service, samples_per_series, self.expire_after_seconds)

    _bounds_rise = field_validator("buckets_seconds")(_rising)

    @field_validator("dimensions")
    @classmethod
    def _labels_differ(cls, dimensions: tuple[DimensionConfig, ...]) -> tuple[DimensionConfig, ...]:
        taken = set(_TAKEN)
        for dimension in dimensions:
            if dimension.label in taken or dimension.label.startswith("__"):
                raise ValueError(f"`{dimension.name}` would be the label `{dimension.label}`, which is taken")
            taken.add(dimension.label)
        return dimensions
