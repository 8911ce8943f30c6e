"""What the page at `/` says, read from the stores."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sidecar import __version__
from sidecar.api.page.overview import Overview, Table
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation
from sidecar.app.stores import Stores
from sidecar.deliver.status import Reporting
from sidecar.model.alert import AlertState
from sidecar.probe.groups import READY

Row = tuple[str, ...]


def overview(config: SidecarConfig, stores: Stores, base: Foundation) -> Overview:
    """Return the page's content as it is now."""
    targets, alerts = list(_targets(config, stores, base)), list(_alerts(stores))
    down = sum(row[2] == "down" for row in targets)
    firing = sum(row[1] == AlertState.FIRING.value for row in alerts)
    ready = "ready" if base.board.verdict(READY).ok else "not ready"
    alarm = f"{firing} alert{'' if firing == 1 else 's'} firing"
    status = f"The pod is {ready}; {down} of {len(targets)} targets down; {alarm}."
    return Overview(
        f"sidecar {__version__}",
        status,
        (
            Table("Listeners", ("address", "what for"), list(_listeners(config))),
            Table("Targets", ("kind", "name", "state", "last answered", "why"), targets, "no target is configured"),
            Table("Checks", ("name", "kind", "state", "why"), list(_checks(base)), "no check of the app is configured"),
            Table("Alerts", ("alert", "state", "since", "labels"), alerts, "no alert is pending or firing"),
            Table(
                "Receivers",
                ("name", "waiting", "last took", "why it fails"),
                list(_receivers(stores)),
                "nobody is told",
            ),
            *_mutes(stores, base),
            Table("Rules", ("group", "rule", "health", "error"), list(_rules(stores)), "no rule file is configured"),
            Table("Store", ("what", "how much"), list(_store(config, stores))),
        ),
    )


def _listeners(config: SidecarConfig) -> Iterator[Row]:
    yield str(config.pod.listen), "/livez, /readyz, /startupz and /metrics"
    yield str(config.api.listen), "this page"
    if config.otlp.http.listen is not None:
        yield str(config.otlp.http.listen), "OTLP over HTTP: set OTEL_EXPORTER_OTLP_ENDPOINT to it"
    if config.otlp.grpc.listen is not None:
        yield str(config.otlp.grpc.listen), "OTLP over gRPC: the same with OTEL_EXPORTER_OTLP_PROTOCOL=grpc"


def _targets(config: SidecarConfig, stores: Stores, base: Foundation) -> Iterator[Row]:
    for target, _ in config.targets:
        labels = {"kind": target.kind, "target": target.name}
        up = base.meter.registry.get_sample_value("sidecar_target_up", labels)
        state = "not scraped yet" if up is None else "up" if up else "down"
        at = base.meter.registry.get_sample_value("sidecar_target_last_success_timestamp_seconds", labels)
        answered = f"{base.clock.now() - at:.0f} s ago" if at else "never"
        yield target.kind, target.name, state, answered, stores.targets.error_of(str(target))


def _checks(base: Foundation) -> Iterator[Row]:
    for check in base.board.config.checks:
        last = base.board.last(check.name)
        yield check.name, check.kind, last.status.value if last else "not run yet", last.reason if last else ""


def _alerts(stores: Stores) -> Iterator[Row]:
    for record in stores.rules.rules:
        for alert in record.active.values():
            if alert.state is not AlertState.INACTIVE:
                since = datetime.fromtimestamp(alert.active_at_ms / 1000, UTC).isoformat(" ", "seconds")
                labels = ", ".join(f"{name}={value}" for name, value in alert.labels if name != "alertname")
                yield record.rule.name, alert.state.value, since, labels


def _receivers(stores: Stores) -> Iterator[Row]:
    for sink in stores.receivers.sinks:
        for status in sink.statuses if isinstance(sink, Reporting) else ():
            taken = status.taken_seconds_ago
            ago = "never" if taken is None else f"{taken:.0f} s ago"
            yield status.receiver, f"{status.waiting} alerts", ago, status.failing


def _mutes(stores: Stores, base: Foundation) -> Iterator[Table]:
    """Yield the table of mutes where there are any."""
    at_ms = round(base.clock.now() * 1000)
    rows = [
        (
            mute.config.name,
            mute.state(at_ms).value,
            ", ".join(mute.config.matchers),
            mute.config.ends_at.isoformat(" ", "seconds") if mute.config.ends_at else "",
            mute.config.reason,
            mute.config.actor,
        )
        for mute in stores.mutes.all
    ]
    if rows:
        yield Table("Mutes of webhooks", ("name", "state", "alerts", "until", "why", "who"), rows)


def _rules(stores: Stores) -> Iterator[Row]:
    for group in stores.rules.groups:
        for record in group.rules:
            yield group.group.name, record.rule.name, record.health.value, record.last_error


def _store(config: SidecarConfig, stores: Stores) -> Iterator[Row]:
    yield "series", f"{stores.head.series_count} of at most {config.head.max_series}"
    yield "memory of samples", f"{stores.head.bytes / 1e6:.1f} MB"
    yield "kept for", f"{config.head.retention_seconds / 60:.0f} min"
    if stores.state.health is not None:
        yield "state file", stores.state.health.reason or "written"
