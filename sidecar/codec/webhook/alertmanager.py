"""Alertmanager's own webhook, version 4: what tools that follow an Alertmanager read.

See https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

from datetime import UTC, datetime, timedelta

from sidecar.model.alert import Alert
from sidecar.model.labels import labels_of
from sidecar.model.notification import Notification

MAX_ALERTS = 500
"""In one body; how many were left out stands in `truncatedAlerts`."""
NOT_ENDED = "0001-01-01T00:00:00Z"
"""How Go writes no time at all."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def alertmanager_body(notification: Notification, _key: str = "") -> dict[str, object]:
    """Return the body for `notification`, its fields in Alertmanager's order."""
    return {
        "receiver": notification.receiver,
        "status": notification.status,
        "alerts": [_alert(notification, alert) for alert in notification.alerts[:MAX_ALERTS]],
        "groupLabels": dict(notification.group_labels),
        "commonLabels": notification.common_labels,
        "commonAnnotations": notification.common_annotations,
        "externalURL": notification.external_url,
        "version": "4",
        "groupKey": notification.key,
        "truncatedAlerts": max(0, len(notification.alerts) - MAX_ALERTS),
    }


def fingerprint(alert: Alert) -> str:
    """Return Prometheus' fingerprint of the alert's labels, FNV-1a of 64 bits in hexadecimal."""
    total = _FNV_OFFSET
    for name, value in labels_of(alert.labels):
        for byte in (*name.encode(errors="replace"), 0xFF, *value.encode(errors="replace"), 0xFF):
            total = (total ^ byte) * _FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def go_time(time_ms: int) -> str:
    """Return a time as Go writes it: no more decimals than it needs."""
    text = (_EPOCH + timedelta(milliseconds=time_ms)).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.rstrip("0").rstrip(".") + "Z" if "." in text else f"{text}Z"


def _alert(notification: Notification, alert: Alert) -> dict[str, object]:
    is_firing = notification.is_firing(alert)
    return {
        "status": "firing" if is_firing else "resolved",
        "labels": dict(sorted(alert.labels.items())),
        "annotations": dict(sorted(alert.annotations.items())),
        "startsAt": go_time(alert.starts_at_ms),
        "endsAt": NOT_ENDED if is_firing else go_time(alert.ends_at_ms),
        "generatorURL": alert.generator_url,
        "fingerprint": fingerprint(alert),
    }
