"""The root of the configuration: composes the Config of every component, nothing else."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from sidecar.api.config import ApiConfig, PodConfig
from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.redis.config import RedisConfig
from sidecar.deliver.config import AlertmanagerConfig, ForwardConfig
from sidecar.model.config import Config
from sidecar.probe.config import ProbesConfig
from sidecar.promql.config import PromqlConfig
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.rules.config import RulesConfig
from sidecar.runtime.config import LogConfig
from sidecar.runtime.state.config import StateConfig
from sidecar.spans.config import SpansConfig
from sidecar.tsdb.config import HeadConfig


class ShutdownConfig(Config):
    """How the process ends on SIGTERM."""

    drain_delay_seconds: float = Field(
        5.0,
        ge=0,
        le=300,
        description="How long /readyz says 503 before anything stops, so that balancers look elsewhere.",
    )
    timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="What all of stopping may take after the delay; then the process ends at once."
    )


class SidecarConfig(Config):
    """The whole configuration. Every key is optional: without any, the sidecar serves its own metrics and probes.

    In a value, `${VAR}` is the environment variable, which must be set and not empty, `${VAR:-default}` has a default
    for both, and `$$` is a dollar sign. A plain value that is empty after that counts as not given. A number may stand
    in quotes, as in `"${SECONDS}"`.
    """

    job: str = Field("sidecar", min_length=1, description="`job` label of every series in rules and alerts.")
    instance: str = Field(
        "", description="`instance` label; empty: host name and pod port, as a Prometheus that scrapes us would say."
    )
    scrape_interval_seconds: float = Field(15.0, gt=0, le=3600, description="How often targets are scraped.")
    pod: PodConfig = PodConfig()
    api: ApiConfig = ApiConfig()
    log: LogConfig = LogConfig()
    postgres: tuple[PostgresConfig, ...] = Field((), description="Postgres servers to scrape.")
    redis: tuple[RedisConfig, ...] = Field((), description="Redis and Valkey servers to scrape.")
    app_metrics: tuple[AppMetricsConfig, ...] = Field((), description="Where the app shows metrics of its own.")
    otlp: OtlpConfig = OtlpConfig()
    spans: SpansConfig = SpansConfig()
    forward: ForwardConfig = ForwardConfig()
    state: StateConfig = StateConfig()
    head: HeadConfig = HeadConfig()
    promql: PromqlConfig = PromqlConfig()
    probes: ProbesConfig = ProbesConfig()
    rules: RulesConfig = RulesConfig()
    alertmanagers: tuple[AlertmanagerConfig, ...] = Field((), description="Alertmanagers that get the alerts.")
    shutdown: ShutdownConfig = ShutdownConfig()

    @field_validator("postgres", "redis", "app_metrics", "alertmanagers")
    @classmethod
    def _names_differ(cls, targets: tuple[Config, ...]) -> tuple[Config, ...]:
        names = [str(getattr(target, "name", "")) for target in targets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"name `{twice[0]}` is given twice")
        return targets

    @model_validator(mode="after")
    def _spill_has_a_file(self) -> Self:
        if self.forward.spill_max_bytes and self.state.path is None:
            raise ValueError("`forward.spill_max_bytes` needs `state.path`: it is where the bodies are kept")
        return self
