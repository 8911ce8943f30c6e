"""What people read of a notification, whatever the service: a title, and a few lines for each alert."""

from sidecar.model.alert import Alert
from sidecar.model.notification import Notification

SHOWN_ALERTS = 10
"""What a person reads at once; how many more there are is said."""
SUMMARIES = ("summary", "description", "message")
"""Annotations that say what happened, the best first."""
ELLIPSIS = "…"


def shorten(text: str, characters: int) -> str:
    """Return `text`, its end cut off if it has more than `characters` of UTF-16, which is what services count."""
    data = text.encode("utf-16-le", errors="replace")
    if len(data) <= 2 * characters:
        return text
    return data[: 2 * (characters - 1)].decode("utf-16-le", errors="ignore") + ELLIPSIS


def shorten_bytes(text: str, size: int) -> str:
    """Return `text`, its end cut off if it takes more than `size` bytes in UTF-8."""
    data = text.encode(errors="replace")
    if len(data) <= size:
        return text
    return data[: size - len(ELLIPSIS.encode())].decode(errors="ignore") + ELLIPSIS


def title(notification: Notification) -> str:
    """Return `[FIRING:2] name (other labels in common)`, as Alertmanager's default does."""
    count = len(notification.firing)
    status = f"FIRING:{count}" if count else "RESOLVED"
    group = " ".join(value for _, value in sorted(notification.group_labels.items()))
    others = notification.common_labels.items() - notification.group_labels.items()
    common = " ".join(value for _, value in sorted(others))
    return " ".join(part for part in (f"[{status}]", group, f"({common})" if common else "") if part)


def shown_alerts(notification: Notification) -> tuple[Alert, ...]:
    """Return the alerts that are told one by one, those that fire first."""
    return (*notification.firing, *notification.resolved)[:SHOWN_ALERTS]


def left_out(notification: Notification) -> str:
    """Return how many alerts are not among those shown; nothing if all are."""
    count = len(notification.alerts) - SHOWN_ALERTS
    return f"and {count} more" if count > 0 else ""


def headline(notification: Notification, alert: Alert) -> str:
    """Return what happened, in one line that begins with the state if it is over."""
    said = next((alert.annotations[name] for name in SUMMARIES if alert.annotations.get(name)), "")
    text = " ".join(said.split()) or alert.labels.get("alertname", "alert")
    return text if notification.is_firing(alert) else f"Resolved: {text}"


def own_labels(notification: Notification, alert: Alert) -> str:
    """Return the labels that tell the alert from the others of its group."""
    shown = alert.labels.items() - notification.group_labels.items()
    return ", ".join(f"{name}={value}" for name, value in sorted(shown))


def links(alert: Alert) -> list[tuple[str, str]]:
    """Return where the alert leads to, as name and web address."""
    found = [("Runbook", alert.annotations.get("runbook_url", "")), ("Graph", alert.generator_url)]
    return [(name, url) for name, url in found if url.startswith(("http://", "https://"))]


def severity(notification: Notification) -> str:
    """Return the severity that all alerts have in common, in lower case; nothing if they differ or have none."""
    return notification.common_labels.get("severity", "").lower()
