"""Configuration of what received OTLP metrics become."""

from pydantic import Field

from sidecar.model.config import Config


class OtlpMetricsConfig(Config):
    """Metrics received by OTLP, on /metrics and in rules under the names that Prometheus gives them."""

    expire_seconds: float = Field(
        300.0, gt=0, description="A series without a data point for so long ends; the collector's default is the same."
    )
    max_samples: int = Field(
        20_000,
        gt=0,
        description="Samples of all series together, for a histogram one per bucket; keep it well below "
        "`head.max_series`. Data points of further series are dropped.",
    )
    max_samples_per_resource: int = Field(
        10_000, gt=0, description="Samples of one resource, which is one `job` and `instance`."
    )
    max_metrics: int = Field(1_000, gt=0, description="Metric families.")
    max_series_per_metric: int = Field(2_000, gt=0, description="Label sets of one metric family.")
    max_label_characters: int = Field(
        2_048, gt=0, description="Names and values of the labels of one series together; longer ones are dropped."
    )
    exponential_buckets: int = Field(
        40,
        ge=10,
        le=500,
        description="Buckets that an exponential histogram has at most; the more its values are spread, the wider.",
    )
    scope_labels: bool = Field(
        True, description="Whether series carry `otel_scope_name`, `otel_scope_version` and the scope's attributes."
    )
    promote_resource_attributes: tuple[str, ...] = Field(
        (),
        max_length=32,
        description="Resource attributes that become labels of every series, as in Prometheus' `otlp` section.",
    )
