"""The root of the configuration: composes the Config of every component, nothing else."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sidecar.api.config import ApiConfig, PodConfig
from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.config import TargetConfig
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.redis.config import RedisConfig
from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.config import ForwardConfig
from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.webhook.config import DeadManConfig, WebhookConfig
from sidecar.model.address import Address
from sidecar.model.config import Config
from sidecar.model.target import TargetName
from sidecar.model.url import parse_web_url
from sidecar.probe.config import ProbesConfig
from sidecar.promql.config import PromqlConfig
from sidecar.receive.otlp.config import OtlpConfig
from sidecar.redaction.config import RedactConfig
from sidecar.rules.config import RulesConfig
from sidecar.rules.mutes.config import MuteConfig
from sidecar.runtime.config import LogConfig
from sidecar.runtime.state.config import StateConfig
from sidecar.spans.config import SpansConfig
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.traces.config import TracesConfig
from sidecar.tsdb.config import HeadConfig

_LISTENING = ("pod", "api", "otlp")
"""The fields of the configuration that listeners are under."""


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
    for both, and `$$` is a dollar sign. Any other `${...}`, and a value or default that is nothing but `$VAR`, is a
    mistake; a dollar sign before anything else is one. A plain value that is empty after that counts as not given. A
    number may stand in quotes, as in `"${SECONDS}"`. Keys and comments have no variables.
    """

    job: str = Field("sidecar", min_length=1, description="`job` label of every series in rules and alerts.")
    instance: str = Field(
        "", description="`instance` label; empty: host name and pod port, as a Prometheus that scrapes us would say."
    )
    scrape_interval_seconds: float = Field(15.0, ge=0.1, le=3600, description="How often targets are scraped.")
    pod: PodConfig = PodConfig()
    api: ApiConfig = ApiConfig()
    log: LogConfig = LogConfig()
    postgres: tuple[PostgresConfig, ...] = Field((), description="Postgres servers to scrape.")
    redis: tuple[RedisConfig, ...] = Field((), description="Redis and Valkey servers to scrape.")
    app_metrics: tuple[AppMetricsConfig, ...] = Field((), description="Where the app shows metrics of its own.")
    otlp: OtlpConfig = OtlpConfig()
    spans: SpansConfig = SpansConfig()
    errors: ErrorGroupsConfig = ErrorGroupsConfig()
    queries: QueriesConfig = QueriesConfig()
    redact: RedactConfig = RedactConfig()
    traces: TracesConfig = TracesConfig()
    forward: ForwardConfig = ForwardConfig()
    state: StateConfig = StateConfig()
    head: HeadConfig = HeadConfig()
    promql: PromqlConfig = PromqlConfig()
    probes: ProbesConfig = ProbesConfig()
    rules: RulesConfig = RulesConfig()
    alertmanagers: tuple[AlertmanagerConfig, ...] = Field((), description="Alertmanagers that get the alerts.")
    webhooks: tuple[WebhookConfig, ...] = Field(
        (), description="Services that are told of alerts in groups, for teams without an Alertmanager."
    )
    mutes: tuple[MuteConfig, ...] = Field((), description="Alerts that `webhooks` are not told of for some time.")
    dead_man: DeadManConfig | None = Field(None, description="A service outside that notices silence.")
    telemetry: TelemetryConfig = TelemetryConfig()
    shutdown: ShutdownConfig = ShutdownConfig()

    @property
    def targets(self) -> Iterator[tuple[TargetName, TargetConfig]]:
        """Everything that is scraped, of every kind."""
        groups: dict[str, Sequence[TargetConfig]] = {
            "postgres": self.postgres,
            "redis": self.redis,
            "app": self.app_metrics,
        }
        for kind, group in groups.items():
            yield from ((TargetName(kind, target.name), target) for target in group)

    @field_validator("telemetry")
    @classmethod
    def _goes_elsewhere(cls, telemetry: TelemetryConfig, info: ValidationInfo) -> TelemetryConfig:
        """Refuse our own listeners, of those fields that stand before this one and are good."""
        if telemetry.endpoint is not None:
            parts = parse_web_url(telemetry.endpoint)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            for part in _LISTENING:
                for name, listen in _listeners(part, info.data.get(part)):
                    if listen.is_reached_at(parts.hostname or "", port):
                        raise ValueError(
                            f"`endpoint` `{telemetry.endpoint}` is the sidecar itself, it listens there by `{name}`"
                        )
        return telemetry

    @field_validator("*")
    @classmethod
    def _names_differ(cls, value: object) -> object:
        """Refuse a list of named configurations two of which have the same name."""
        if isinstance(value, tuple):
            names = [item.name for item in value if isinstance(item, Config) and hasattr(item, "name")]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"name `{twice[0]}` is given twice")
        return value

    @model_validator(mode="after")
    def _listeners_differ(self) -> Self:
        listeners = [found for part in _LISTENING for found in _listeners(part, getattr(self, part))]
        for (name, listen), (other, its) in combinations(listeners, 2):
            if listen.excludes(its):
                raise ValueError(f"`{other}` `{its}` is where `{name}` listens; give it another port")
        return self

    @model_validator(mode="after")
    def _spill_has_a_file(self) -> Self:
        if self.forward.spill_max_bytes and self.state.path is None:
            raise ValueError("`forward.spill_max_bytes` needs `state.path`: it is where the bodies are kept")
        return self


def _listeners(name: str, part: object) -> Iterator[tuple[str, Address]]:
    """Yield every address under `part`, a configuration called `name`, with its dotted name."""
    if isinstance(part, Address):
        yield name, part
    elif isinstance(part, Config):
        for key, value in part:
            yield from _listeners(f"{name}.{key}", value)
