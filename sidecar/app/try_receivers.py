"""One alert through every receiver, to see whether they are told."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import SENDERS
from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.outcome import Delivered, outcome_of
from sidecar.deliver.sender import Attempt, Sender, component_name
from sidecar.deliver.webhook.sender import WebhookSender
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification
from sidecar.model.span import SpanKind
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.clock import Clock, SystemClock
from sidecar.runtime.http import HttpClient, open_http_client
from sidecar.runtime.tracing import NO_TRACING

NAME = "SidecarTest"
LASTS_MS = 300_000
NOT_TRIED = "not tried, only a running sidecar looks up addresses by `dns`"


class Answer(NamedTuple):
    """What became of the alert at one receiver."""

    receiver: str
    is_good: bool
    text: str


async def try_receivers(config: SidecarConfig, name: str | None, clock: Clock | None = None) -> list[Answer]:
    """Send the alert to each receiver of `config`, or to those called `name`, one after the other."""
    now_ms = round((clock or SystemClock()).now() * 1000)
    lists = (value for _, value in config if isinstance(value, tuple))
    configs = [item for item in chain(*lists) if type(item) in SENDERS]
    looked_up = [item.name for item in configs if isinstance(item, AlertmanagerConfig) and item.dns is not None]
    senders = [SENDERS[type(item)](item) for item in configs if item.name not in looked_up]
    not_tried = [Answer(f"alertmanager/{one}", False, NOT_TRIED) for one in looked_up if name in (None, one)]
    async with open_http_client() as client:
        return not_tried + [
            await _test(sender, _batch(sender, config, now_ms), client)
            for sender in senders
            if name in (None, sender.receiver)
        ]


def _batch(sender: Sender[Any], config: SidecarConfig, now_ms: int) -> Sequence[Any]:
    labels = {"alertname": NAME, "severity": "info", **config.rules.external_labels}
    summary = "This is a test of the sidecar; nothing is wrong."
    alert = Alert(labels, {"summary": summary}, now_ms, now_ms + LASTS_MS, config.rules.external_url)
    if isinstance(sender, WebhookSender):
        group = {"alertname": NAME}
        key = f'{{}}:{{alertname="{NAME}"}}'
        return [Notification(sender.receiver, key, group, (alert,), now_ms, config.rules.external_url)]
    return [alert]


async def _test(sender: Sender[Any], batch: Sequence[Any], client: HttpClient) -> Answer:
    with NO_TRACING.span("deliver test", SpanKind.CLIENT, {}) as span:
        outcome = await outcome_of(sender.send(batch, Attempt(client, sender.limits.timeout_seconds, span)))
    is_good = isinstance(outcome, Delivered)
    return Answer(component_name(sender), is_good, "took it" if is_good else OwnSecrets().text(outcome.reason))
