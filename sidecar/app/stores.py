"""The stores: state that lives as long as the process and that no reload swaps."""

from collections.abc import Sequence

from sidecar.app.by_config import ByConfig
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation
from sidecar.app.gauges import expose_stores
from sidecar.app.received_metrics import received_metrics
from sidecar.app.receivers import Receivers
from sidecar.collect.config import TargetConfig
from sidecar.collect.self import families_of
from sidecar.logs.stages import log_pipeline_of
from sidecar.model.alert import Alert
from sidecar.model.forward import ForwardBody
from sidecar.model.log import LogMessage
from sidecar.redaction.telemetry import Redactor
from sidecar.rules.store import RuleStore
from sidecar.runtime.meter import platform_collectors
from sidecar.runtime.pages import Pages
from sidecar.runtime.publish.publisher import Publisher
from sidecar.runtime.queries import Queries
from sidecar.runtime.refused_series import RefusedSeries
from sidecar.runtime.slow_query_log import SlowQueryLog
from sidecar.runtime.state.keeper import StateKeeper
from sidecar.runtime.state.state import State
from sidecar.runtime.target_pages import TargetPages
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.shape import Origin
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.store import TraceStore
from sidecar.tsdb.head import Head

ERROR_GROUPS_BYTES = 64 << 20
"""Of groups in the state file, 5 to 20 KB each: more than `errors.max_groups` has by default."""


class Stores:
    """State that lives as long as the process."""

    def __init__(self, config: SidecarConfig, base: Foundation) -> None:
        self.head = Head(config.head, RefusedSeries(base.events.emit, base.clock.monotonic).note)
        self.pages = Pages(base.clock.monotonic)
        self.targets = TargetPages(base.clock.monotonic)
        self.targets.configure(_timeouts(config))
        self.publisher = Publisher(self.pages, self.targets, self.head, base.clock)
        self.receivers = Receivers[Sequence[Alert]]()
        self.forwards = Receivers[ForwardBody]()
        self.state = State()
        self.rules = RuleStore()
        self.queries = Queries(self.head, base.clock, config.promql, config.rules.evaluation_interval_seconds)
        self.redactor = Redactor(config.redact)
        self.traces = TraceStore(config.traces, self.redactor)
        slow_queries = SlowQueryLog(base.events, base.clock)
        self.insights = Insights(
            _insight_settings(config), self.redactor, self.traces.link_error_group, slow_queries.note, self.traces
        )
        errors = self.insights.errors
        self.state.keep(StateKeeper("error_groups", errors, ERROR_GROUPS_BYTES, base.meter, base.events))
        self.traces.consult(lambda now: self.insights.queries.look(now))
        self.pipeline = pipeline_of(config.spans, self.insights, (self.traces,))
        self._pipelines = {config.spans: self.pipeline}
        self.metrics = ByConfig(
            config.otlp.metrics, lambda settings: received_metrics(settings, base.events, self.redactor)
        )
        self.logs = ByConfig(
            config.otlp.logs, lambda settings: log_pipeline_of(settings, self._feed_errors, self.redactor)
        )
        expose_stores(base.meter, self.head, self.pages, self.rules)
        platform_collectors(base.meter.registry)
        self.pages.add_live("self", lambda: families_of(base.meter.registry))

    def pipeline_for(self, config: SpansConfig) -> Pipeline:
        """Make the pipeline of `config` the one that is shown, and return it; other settings start counting anew.

        The one before is kept until `adopt`, so that a reload which is taken back loses no count.
        """
        if config not in self._pipelines:
            self._pipelines[config] = pipeline_of(config, self.insights, (self.traces,))
        self.pipeline = self._pipelines[config]
        return self.pipeline

    def _feed_errors(self, origin: Origin, records: Sequence[LogMessage], received_at: float) -> None:
        self.pipeline.errors.feed_logs(origin, records, received_at)

    def adopt(self, config: SidecarConfig) -> None:
        """Take the limits and targets of a configuration that is in force now."""
        self.head.configure(config.head)
        self.queries.configure(config.promql, config.rules.evaluation_interval_seconds)
        self.targets.configure(_timeouts(config))
        self.redactor.configure(config.redact)
        self.insights.configure(_insight_settings(config))
        self.traces.configure(config.traces)
        self._pipelines = {config.spans: self.pipeline_for(config.spans)}
        self.metrics.adopt(config.otlp.metrics)
        self.logs.adopt(config.otlp.logs)


def _insight_settings(config: SidecarConfig) -> InsightSettings:
    return InsightSettings(config.errors, config.queries)


def _timeouts(config: SidecarConfig) -> dict[str, float]:
    """Return the targets of `config` as `kind/name`, and how many seconds a scrape of each may take."""
    groups: dict[str, Sequence[TargetConfig]] = {
        "postgres": config.postgres,
        "redis": config.redis,
        "app": config.app_metrics,
    }
    return {f"{kind}/{target.name}": target.timeout_seconds for kind, group in groups.items() for target in group}
