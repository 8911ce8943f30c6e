"""Settings of queries."""

from pydantic import Field

from sidecar.model.config import Config


class PromqlConfig(Config):
    """What a query may take, of rules and of the API alike; over a limit it ends with an error, as in Prometheus."""

    timeout_seconds: float = Field(30.0, gt=0, le=600, description="How long a query may take, waiting included.")
    max_concurrency: int = Field(4, ge=1, le=64, description="Long queries that run at once; others wait.")
    max_samples: int = Field(
        20_000_000,
        ge=1000,
        le=1_000_000_000,
        description="Samples a query may hold in memory at once, at 10 to 40 bytes each; a series counts as 128.",
    )
    lookback_seconds: float = Field(
        300.0, gt=0, le=86_400, description="How old the last sample of a series may be for an instant selector."
    )
