"""The stores: state that lives as long as the process and that no reload swaps; our own metrics about them."""

from collections.abc import Callable, Iterator, Sequence

from sidecar.api.json.context import ResourceContext
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation
from sidecar.app.registry import LOG_STAGES, SPAN_STAGES
from sidecar.collect.self import OwnMetrics, Source, families_of
from sidecar.deliver.alertmanager.runner import AlertmanagerRunner
from sidecar.logs.stages import log_pipeline_of
from sidecar.model.alert import Alert, AlertState
from sidecar.model.forward import ForwardBody
from sidecar.receive.otlp.gather import Gather
from sidecar.redaction.telemetry import Redactor
from sidecar.rules.mutes.mutes import Mutes
from sidecar.rules.store import RuleStore
from sidecar.runtime.by_config import ByConfig
from sidecar.runtime.meter import Meter, platform_collectors
from sidecar.runtime.pages import Pages
from sidecar.runtime.publish.publisher import Publisher
from sidecar.runtime.queries import Queries
from sidecar.runtime.received_metrics import SOURCE, ShownMetrics, received_metrics
from sidecar.runtime.receivers import Receivers
from sidecar.runtime.refused_series import RefusedSeries
from sidecar.runtime.slow_query_log import SlowQueryLog
from sidecar.runtime.state.keeper import StateKeeper
from sidecar.runtime.state.state import State
from sidecar.runtime.target_pages import TargetPages
from sidecar.runtime.turns import in_turns
from sidecar.runtime.watched_clock import ClockSet, WatchedClock
from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.store import TraceStore
from sidecar.tsdb.head import Head
from sidecar.tsdb.latest import LatestValues

ERROR_GROUPS_BYTES = 64 << 20
"""Of groups in the state file, 5 to 20 KB each: more than `errors.max_groups` has by default."""
ALERTS_BYTES = 16 << 20
"""Of alerts in the state file, 1 KB each."""


class Stores:
    """State that lives as long as the process; `config` is the one in force."""

    def __init__(self, config: SidecarConfig, base: Foundation) -> None:
        self.config = config
        self.steady = steady = base.clock.steady
        self.head = Head(
            config.head,
            RefusedSeries(base.events.emit, base.clock.monotonic).note,
        )
        self.pages = Pages(base.clock.monotonic)
        self.targets = TargetPages(base.clock.monotonic)
        self.targets.configure(_timeouts(config))
        self.publisher = Publisher(self.pages, self.targets, self.head, base.clock)
        self.receivers = Receivers[Sequence[Alert]]()
        base.meter.read(
            "prometheus_notifications_alertmanagers_discovered",
            "Alertmanagers that are told of alerts.",
            self._alertmanagers,
        )
        self.forwards = Receivers[ForwardBody]()
        self.state = State()
        self.rules = RuleStore()
        self.mutes = Mutes()
        self.mutes.configure(config.mutes)
        for on_set in (lambda seconds: base.events.emit(ClockSet.by(seconds)), self.head.move, self.rules.move):
            base.clock.tell(on_set)
        self.queries = Queries(self.head, base.clock, config.promql, config.rules.evaluation_interval_seconds)
        self.redactor = Redactor(config.redact)
        self.traces = TraceStore(config.traces, self.redactor, steady.wall)
        slow_queries = SlowQueryLog(base.events, base.clock)
        self.insights = Insights(
            _insight_settings(config),
            self.redactor,
            self.traces.link_error_group,
            slow_queries.note,
            self.traces,
            steady.wall,
        )
        errors = self.insights.errors
        self.state.keep(StateKeeper("error_groups", errors, ERROR_GROUPS_BYTES, base.meter, base.events))
        self.state.keep(StateKeeper("alerts", self.rules.memory, ALERTS_BYTES, base.meter, base.events))
        self.state.keep(StateKeeper("alert_history", self.rules.history, ALERTS_BYTES, base.meter, base.events))
        self.traces.consult(lambda now: self.insights.look(now))
        self.spans = ByConfig(
            config.spans, lambda settings: pipeline_of(settings, self.insights, SPAN_STAGES, (self.traces,))
        )
        self.gather = Gather(lambda batch: self.spans.current.accept(batch), base.clock, base.meter, base.events)
        self.metrics = ByConfig(
            config.otlp.metrics, lambda settings: received_metrics(settings, base.events, self.redactor, steady.wall)
        )
        self.logs = ByConfig(
            config.otlp.logs,
            lambda settings: log_pipeline_of(settings, LOG_STAGES, lambda: self.spans.current, self.redactor),
        )
        expose_stores(base.meter, self.head, self.pages, self.rules)
        platform_collectors(base.meter.registry)
        self._own = OwnMetrics(base.meter.registry)
        self.pages.add_live("self", lambda: families_of(base.meter.registry))

    def resource_context(self, clock: WatchedClock) -> ResourceContext:
        """Return what the resources of the API read."""
        values = LatestValues(self.head, clock.now)
        return ResourceContext(
            values, self.insights, self.traces, self.rules.history, self.mutes, clock.steady, clock.now
        )

    def _alertmanagers(self) -> int:
        return sum(sink.discovered for sink in self.receivers.sinks if isinstance(sink, AlertmanagerRunner))

    async def catch_up(self) -> None:
        """Return when what was accepted before is counted, and what is due of it judged."""
        await self.gather.flush()
        await in_turns(self.insights.catch_up(self.steady.now()), self.steady)

    def sources(self) -> Iterator[Source]:
        """Yield the stores that are shown as families, each as it is when it is asked for."""
        yield Source("self", self._own)
        yield Source("spans", self.spans.current, self.pages, self.catch_up)
        yield Source(SOURCE, ShownMetrics(self.metrics.current, self.pages), self.pages)
        yield Source("otlp_logs", self.logs.current, self.pages)

    def adopt(self, config: SidecarConfig) -> None:
        """Take the limits and targets of a configuration that is in force now, or again after another one failed."""
        self.config = config
        self.head.configure(config.head)
        self.queries.configure(config.promql, config.rules.evaluation_interval_seconds)
        self.targets.configure(_timeouts(config))
        self.redactor.configure(config.redact)
        self.insights.configure(_insight_settings(config))
        self.traces.configure(config.traces)
        self.spans.adopt(config.spans)
        self.metrics.adopt(config.otlp.metrics)
        self.logs.adopt(config.otlp.logs)
        self.rules.forget()
        self.mutes.configure(config.mutes)


def _insight_settings(config: SidecarConfig) -> InsightSettings:
    return InsightSettings(config.errors, config.queries)


def _timeouts(config: SidecarConfig) -> dict[str, float]:
    """Return the targets of `config` as `kind/name`, and how many seconds a scrape of each may take."""
    return {str(name): target.timeout_seconds for name, target in config.targets}


def expose_stores(meter: Meter, head: Head, pages: Pages, rules: RuleStore) -> None:
    """Register gauges and counters that say how full the stores are and what they had to refuse."""
    alerts = meter.gauge("sidecar_alerts", "Alerts that our own rules raise, by state.", ["state"])
    for state in (AlertState.PENDING, AlertState.FIRING):
        alerts.labels(state.value).set_function(_count(rules, state))
    meter.read("sidecar_head_series", "Series kept in memory.", lambda: head.series_count)
    meter.read("sidecar_head_bytes", "Memory of the samples kept.", lambda: head.bytes)
    meter.read_total("sidecar_head_refused_samples_total", "Samples over the series limit.", lambda: head.refused_total)
    meter.read_by(
        "sidecar_head_source_series",
        "Series kept in memory by source: a target, spans, received metrics, the sidecar itself, all rules together.",
        "source",
        lambda: head.series_by_source,
    )
    meter.read_by(
        "sidecar_head_source_refused_samples_total",
        "Samples over the series limit by source, which has at least its equal share of it.",
        "source",
        lambda: dict.fromkeys(head.series_by_source, 0) | head.refused_by_source,
    )
    meter.read_by(
        "sidecar_head_source_shed_series_total",
        "Series forgotten of a source that had more than its share, because another one needed the room.",
        "source",
        lambda: dict.fromkeys(head.series_by_source, 0) | head.shed_by_source,
    )
    meter.read_total(
        "sidecar_head_cut_columns_total",
        "Scrapes and evaluations forgotten, because the clock was set back behind their time.",
        lambda: head.cut_total,
    )
    meter.read_total(
        "sidecar_exposition_duplicates_total",
        "Samples that a source gave twice in one scrape.",
        lambda: pages.duplicates,
    )


def _count(rules: RuleStore, state: AlertState) -> Callable[[], float]:
    return lambda: sum(alert.state is state for record in rules.rules for alert in record.active.values())
