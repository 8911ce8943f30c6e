"""Our own metrics about the stores, read at each scrape."""

from collections.abc import Callable

from sidecar.model.alert import AlertState
from sidecar.rules.store import RuleStore
from sidecar.runtime.meter import Meter
from sidecar.runtime.pages import Pages
from sidecar.tsdb.head import Head


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
        "sidecar_exposition_duplicates_total",
        "Samples that a source gave twice in one scrape.",
        lambda: pages.duplicates,
    )


def _count(rules: RuleStore, state: AlertState) -> Callable[[], float]:
    return lambda: sum(alert.state is state for record in rules.rules for alert in record.active.values())
