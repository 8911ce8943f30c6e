"""Configuration of what is derived from spans."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, field_validator

from sidecar.model.config import Config

Kind = Literal["server", "client", "producer", "consumer", "internal"]


class SpansConfig(Config):
    """Which metrics spans become, and how many series they may take; /metrics shows them as of the last interval."""

    kinds: tuple[Kind, ...] = Field(
        ("server", "client", "producer", "consumer"), description="Kinds of spans that are counted and timed."
    )
    buckets_seconds: tuple[float, ...] = Field(
        (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
        description="Upper bounds of the duration histograms; the default is that of OpenTelemetry's http metrics.",
        min_length=1,
        max_length=100,
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

    @field_validator("buckets_seconds")
    @classmethod
    def _rising(cls, bounds: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(bounds)) or bounds[0] <= 0:
            raise ValueError("the bounds must be above zero and rise from one to the next")
        return bounds
