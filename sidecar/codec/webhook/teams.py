"""An adaptive card for the webhooks of Teams' workflows; its connectors, which took another form, are retired.

See https://learn.microsoft.com/en-us/connectors/teams: a message is at most 28 KB.
"""

from sidecar.codec.json_text import json_bytes
from sidecar.codec.webhook.text import headline, links, own_labels, severity, shorten, shown_alerts, title
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification

MAX_BYTES = 28_000
TITLE_CHARACTERS = 500
LINE_CHARACTERS = 1000
URL_CHARACTERS = 1000
COLOURS = {"critical": "Attention", "error": "Attention", "page": "Attention", "warning": "Warning", "info": "Accent"}

_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\*_[]()`#~>|"})


def teams_body(notification: Notification, _key: str = "") -> dict[str, object]:
    """Return the body for `notification`, with as many of its alerts as fit; its texts are no markup."""
    alerts = shown_alerts(notification)
    while True:
        body = _body(notification, alerts)
        if not alerts or len(json_bytes(body)) <= MAX_BYTES:
            return body
        alerts = alerts[:-1]


def _body(notification: Notification, alerts: tuple[Alert, ...]) -> dict[str, object]:
    colour = COLOURS.get(severity(notification), "Attention") if notification.firing else "Good"
    blocks = [_block(_escaped(title(notification), TITLE_CHARACTERS), weight="Bolder", size="Medium", color=colour)]
    for alert in alerts:
        blocks.append(_block(_escaped(headline(notification, alert), LINE_CHARACTERS), separator=True))
        if labels := own_labels(notification, alert):
            blocks.append(_block(_escaped(labels, LINE_CHARACTERS), isSubtle=True, spacing="None"))
    if missing := len(notification.alerts) - len(alerts):
        blocks.append(_block(f"and {missing} more", isSubtle=True))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": blocks,
        "actions": _actions(alerts),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _block(text: str, **look: object) -> dict[str, object]:
    return {"type": "TextBlock", "text": text, "wrap": True, **look}


def _actions(alerts: tuple[Alert, ...]) -> list[dict[str, str]]:
    """Return buttons for the links of the first alert: those of the others are mostly the same."""
    found = links(alerts[0]) if alerts else []
    return [{"type": "Action.OpenUrl", "title": name, "url": url} for name, url in found if len(url) <= URL_CHARACTERS]


def _escaped(text: str, characters: int) -> str:
    return shorten(text, characters).translate(_ESCAPED)
