"""Events of PagerDuty's API, version 2: one incident a group.

See https://developer.pagerduty.com/docs/send-alert-event: a summary of at most 1,024 characters, a key of 255, 512 KB
in all.
"""

from sidecar.codec.webhook.alertmanager import go_time
from sidecar.codec.webhook.text import headline, left_out, links, own_labels, severity, shorten, shown_alerts, title
from sidecar.model.notification import Notification

SUMMARY_CHARACTERS = 1024
SOURCE_CHARACTERS = 255
LINE_CHARACTERS = 1000
LABELS = 64
SEVERITIES = {
    "critical": "critical",
    "page": "critical",
    "error": "error",
    "high": "error",
    "warning": "warning",
    "info": "info",
    "none": "info",
}
"""The four that there are, by the words that rules use; what is none of them is an error."""


def pagerduty_body(notification: Notification, routing_key: str) -> dict[str, object]:
    """Return the event for `notification`; that of its end closes the incident."""
    event: dict[str, object] = {"routing_key": routing_key, "dedup_key": notification.id}
    if not notification.firing:
        return event | {"event_action": "resolve"}
    return event | {
        "event_action": "trigger",
        "client": "sidecar",
        **({"client_url": notification.external_url} if notification.external_url else {}),
        "payload": _payload(notification),
        "links": [
            {"href": url, "text": name} for name, url in links(notification.firing[0]) if len(url) <= LINE_CHARACTERS
        ],
    }


def _payload(notification: Notification) -> dict[str, object]:
    labels = notification.common_labels
    return {
        "summary": shorten(title(notification), SUMMARY_CHARACTERS),
        "source": shorten(labels.get("instance") or notification.external_url or "sidecar", SOURCE_CHARACTERS),
        "severity": SEVERITIES.get(severity(notification), "error"),
        "timestamp": go_time(min(alert.starts_at_ms for alert in notification.firing)),
        "class": shorten(labels.get("alertname", ""), SOURCE_CHARACTERS),
        "group": shorten(labels.get("job", ""), SOURCE_CHARACTERS),
        "custom_details": {
            "alerts": [
                {
                    "summary": shorten(headline(notification, alert), LINE_CHARACTERS),
                    "labels": shorten(own_labels(notification, alert), LINE_CHARACTERS),
                }
                for alert in shown_alerts(notification)
            ],
            **({"more": rest} if (rest := left_out(notification)) else {}),
            "labels": {name: shorten(value, LINE_CHARACTERS) for name, value in list(labels.items())[:LABELS]},
        },
    }
