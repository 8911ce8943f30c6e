"""Discord's webhooks, one embed for all.

See https://docs.discord.com/developers/resources/message#embed-object-embed-limits: 256 characters in a title, 4,096
in a description, 25 fields of 256 and 1,024, and 6,000 in all.
"""

from sidecar.codec.webhook.alertmanager import go_time
from sidecar.codec.webhook.text import (
    headline,
    left_out,
    links,
    own_labels,
    severity,
    shorten,
    shown_alerts,
    title,
)
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification

TITLE_CHARACTERS = 256
DESCRIPTION_CHARACTERS = 4096
URL_CHARACTERS = 1000
PART_CHARACTERS = 150
"""Of a line before it is escaped; ten short alerts fit, of long ones the last are cut off."""
COLOURS = {"critical": 0xD32F2F, "error": 0xD32F2F, "page": 0xD32F2F, "warning": 0xF9A825, "info": 0x1976D2}
FIRING, RESOLVED = 0xD32F2F, 0x388E3C

_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\*_[]()`#~>|<@"})


def discord_body(notification: Notification, _key: str = "") -> dict[str, object]:
    """Return the body for `notification`; it mentions nobody, whatever its texts say."""
    alerts = shown_alerts(notification)
    lines = [line for alert in alerts for line in _lines(notification, alert)]
    if rest := left_out(notification):
        lines.append(rest)
    embed: dict[str, object] = {
        "title": shorten(title(notification), TITLE_CHARACTERS),
        "description": shorten("\n".join(lines), DESCRIPTION_CHARACTERS),
        "color": COLOURS.get(severity(notification), FIRING) if notification.firing else RESOLVED,
        "timestamp": go_time(notification.at_ms),
    }
    if urls := [url for alert in alerts for _, url in links(alert) if len(url) <= URL_CHARACTERS]:
        embed["url"] = urls[0]
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _lines(notification: Notification, alert: Alert) -> list[str]:
    labels = _escaped(own_labels(notification, alert))
    return [f"**{_escaped(headline(notification, alert))}**", *([labels] if labels else [])]


def _escaped(text: str) -> str:
    return shorten(text, PART_CHARACTERS).translate(_ESCAPED)
