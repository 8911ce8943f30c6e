"""Slack's incoming webhooks, in blocks.

See https://docs.slack.dev/reference/block-kit/blocks: at most 50 blocks, 150 characters in a header, 3,000 in a
section; `text` is what notifications show.
"""

from sidecar.codec.webhook.text import headline, left_out, links, own_labels, shorten, shown_alerts, title
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification

HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
PART_CHARACTERS = 590
"""Of one line before it is escaped, which makes it at most five times as long."""
TEXT_CHARACTERS = 800
LINK_CHARACTERS = 500

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def slack_body(notification: Notification, _key: str = "") -> dict[str, object]:
    """Return the body for `notification`; what its texts say is no markup, and mentions nobody."""
    head = title(notification)
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": shorten(head, HEADER_CHARACTERS), "emoji": False}}
    ]
    blocks += [_section(_shown(notification, alert)) for alert in shown_alerts(notification)]
    if rest := left_out(notification):
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": rest}]})
    return {"text": _escaped(head, TEXT_CHARACTERS), "blocks": blocks}


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _shown(notification: Notification, alert: Alert) -> str:
    """Return the lines of an alert; a line that would not fit any more is left out, as half of one may be markup."""
    lines = [f"*{_escaped(headline(notification, alert), PART_CHARACTERS)}*"]
    if labels := own_labels(notification, alert):
        lines.append(_escaped(labels, PART_CHARACTERS))
    shown = [f"<{_url(url)}|{name}>" for name, url in links(alert) if len(_url(url)) <= LINK_CHARACTERS]
    if shown:
        lines.append(" · ".join(shown))
    text = lines[0]
    for line in lines[1:]:
        if len(text) + 1 + len(line) <= SECTION_CHARACTERS:
            text += f"\n{line}"
    return text


def _escaped(text: str, characters: int) -> str:
    return shorten(text, characters).translate(_ESCAPED)


def _url(url: str) -> str:
    return url.replace("|", "%7C").replace(" ", "%20").translate(_ESCAPED)
