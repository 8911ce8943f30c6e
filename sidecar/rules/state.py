"""The life of an alert: pending, firing, inactive; what Prometheus does at each evaluation, as a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels

RESOLVED_RETENTION_MS = 15 * 60_000
"""A resolved alert is remembered, and receivers are told again, this long: one of them may have been away."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One element of a rule's result with its labels and annotations expanded; labels include `alertname`."""

    labels: Labels
    annotations: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that a rule remembers; times are Unix time in milliseconds, None for what has not happened.

    In the time `held`, from and until, it stays as it is where its series is missing: all series began anew.
    """

    labels: Labels
    annotations: tuple[tuple[str, str], ...]
    value: float
    active_at_ms: int
    state: AlertState = AlertState.PENDING
    fired_at_ms: int | None = None
    resolved_at_ms: int | None = None
    keep_firing_since_ms: int | None = None
    last_sent_at_ms: int | None = None
    valid_until_ms: int | None = None
    held: tuple[int, int] | None = None


ActiveAlerts: TypeAlias = Mapping[Labels, ActiveAlert]

_TIMES = tuple(field.name for field in fields(ActiveAlert) if field.name.endswith("_ms"))


@dataclass(frozen=True, slots=True)
class Holding:
    """How long a condition must hold before an alert fires, and how long it still fires afterwards."""

    for_ms: int = 0
    keep_firing_for_ms: int = 0


def moved(active: ActiveAlerts, ms: int) -> ActiveAlerts:
    """Return the alerts at times that are later by `ms`: the clock was set, and no time passed."""
    return {labels: _moved(alert, ms) for labels, alert in active.items()} if ms else active


def step(active: ActiveAlerts, result: Sequence[Finding], now_ms: int, holding: Holding) -> dict[Labels, ActiveAlert]:
    """Return the alerts after an evaluation at `now_ms` that gave `result`, whose labels are all different.

    Inactive ones are the resolved: they stay for RESOLVED_RETENTION_MS.
    """
    found = {finding.labels: finding for finding in result}
    stepped = {
        labels: _aged(_seen(active.get(labels), finding, now_ms), now_ms, holding) for labels, finding in found.items()
    }
    for labels, alert in active.items():
        if labels not in found:
            kept = _unseen(alert, now_ms, holding)
            if kept is not None:
                stepped[labels] = kept
    return stepped


def due(
    active: ActiveAlerts, now_ms: int, resend_delay_ms: int, interval_ms: int
) -> tuple[dict[Labels, ActiveAlert], tuple[ActiveAlert, ...]]:
    """Return the alerts with those marked as sent that receivers must hear about now, and these alone.

    A pending alert is nobody's business; a firing or resolved one is told again after `resend_delay_ms`. Receivers may
    take a firing one for resolved after four times the larger of `resend_delay_ms` and `interval_ms`.
    """
    valid_until_ms = now_ms + 4 * max(resend_delay_ms, interval_ms)
    sent = {
        labels: replace(alert, last_sent_at_ms=now_ms, valid_until_ms=valid_until_ms)
        for labels, alert in active.items()
        if _needs_sending(alert, now_ms, resend_delay_ms)
    }
    return {**active, **sent}, tuple(sent.values())


def _moved(alert: ActiveAlert, ms: int) -> ActiveAlert:
    times = {name: getattr(alert, name) for name in _TIMES}
    held = None if alert.held is None else (alert.held[0] + ms, alert.held[1] + ms)
    return replace(alert, held=held, **{name: at + ms for name, at in times.items() if at is not None})


def _seen(alert: ActiveAlert | None, finding: Finding, now_ms: int) -> ActiveAlert:
    """Return the alert as its series is in the result; one that was resolved starts anew."""
    if alert is None or alert.state is AlertState.INACTIVE:
        return ActiveAlert(finding.labels, finding.annotations, finding.value, active_at_ms=now_ms)
    return replace(alert, annotations=finding.annotations, value=finding.value, keep_firing_since_ms=None)


def _unseen(alert: ActiveAlert, now_ms: int, holding: Holding) -> ActiveAlert | None:
    if alert.held is not None and alert.held[0] <= now_ms < alert.held[1] and alert.state is not AlertState.INACTIVE:
        return alert
    if alert.state is AlertState.PENDING:
        return None
    if alert.state is AlertState.INACTIVE:
        assert alert.resolved_at_ms is not None
        return None if now_ms - alert.resolved_at_ms > RESOLVED_RETENTION_MS else alert
    since_ms = now_ms if alert.keep_firing_since_ms is None else alert.keep_firing_since_ms
    if holding.keep_firing_for_ms > 0 and now_ms - since_ms < holding.keep_firing_for_ms:
        return _aged(replace(alert, keep_firing_since_ms=since_ms), now_ms, holding)
    return replace(alert, state=AlertState.INACTIVE, resolved_at_ms=now_ms)


def _aged(alert: ActiveAlert, now_ms: int, holding: Holding) -> ActiveAlert:
    held = now_ms - alert.active_at_ms >= holding.for_ms
    if alert.state is AlertState.PENDING and held:
        return replace(alert, state=AlertState.FIRING, fired_at_ms=now_ms)
    if alert.state is AlertState.FIRING and not held:  # `for` became longer by a reload
        return replace(
            alert, state=AlertState.PENDING, fired_at_ms=None, last_sent_at_ms=None, keep_firing_since_ms=None
        )
    return alert


def _needs_sending(alert: ActiveAlert, now_ms: int, resend_delay_ms: int) -> bool:
    if alert.state is AlertState.PENDING:
        return False
    if alert.last_sent_at_ms is None:
        return True
    if alert.resolved_at_ms is not None and alert.resolved_at_ms > alert.last_sent_at_ms:
        return True
    return alert.last_sent_at_ms + resend_delay_ms < now_ms
