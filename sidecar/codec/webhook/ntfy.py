"""Messages of ntfy, published as JSON.

See https://docs.ntfy.sh/publish/#publish-as-json: a message of more than 4,096 bytes becomes an attachment.
"""

from sidecar.codec.webhook.text import (
    headline,
    left_out,
    links,
    own_labels,
    severity,
    shorten,
    shorten_bytes,
    shown_alerts,
    title,
)
from sidecar.model.notification import Notification

MESSAGE_BYTES = 4096
TITLE_CHARACTERS = 250
LINE_CHARACTERS = 300
URL_CHARACTERS = 1000
PRIORITIES = {"critical": 5, "page": 5, "error": 4, "high": 4, "warning": 3, "info": 2, "none": 1}
FIRING, RESOLVED = 4, 3


def ntfy_body(notification: Notification, topic: str) -> dict[str, object]:
    """Return the message for `notification` under `topic`; its priority is that of the severity."""
    fires = bool(notification.firing)
    level = severity(notification)
    message: dict[str, object] = {
        "topic": topic,
        "title": shorten(title(notification), TITLE_CHARACTERS),
        "message": shorten_bytes("\n".join(_lines(notification)), MESSAGE_BYTES),
        "priority": PRIORITIES.get(level, FIRING) if fires else RESOLVED,
        "tags": ["rotating_light" if fires else "white_check_mark", *([shorten(level, 50)] if level else [])],
    }
    found = [url for alert in shown_alerts(notification) for _, url in links(alert) if len(url) <= URL_CHARACTERS]
    return message | ({"click": found[0]} if found else {})


def _lines(notification: Notification) -> list[str]:
    lines = []
    for alert in shown_alerts(notification):
        labels = own_labels(notification, alert)
        lines.append(shorten(headline(notification, alert) + (f" ({labels})" if labels else ""), LINE_CHARACTERS))
    return [*lines, *filter(None, [left_out(notification)])]
