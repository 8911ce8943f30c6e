"""Telling one webhook of one group of alerts."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import ClassVar

from pydantic import SecretStr

from sidecar.codec.json_text import json_bytes
from sidecar.codec.peer.retry_after import retry_after_seconds
from sidecar.codec.webhook.alertmanager import alertmanager_body
from sidecar.codec.webhook.discord import discord_body
from sidecar.codec.webhook.ntfy import ntfy_body
from sidecar.codec.webhook.pagerduty import pagerduty_body
from sidecar.codec.webhook.slack import slack_body
from sidecar.codec.webhook.teams import teams_body
from sidecar.deliver.credentials import authorization
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.deliver.sender import Attempt, SenderKind, SenderLimits
from sidecar.deliver.webhook.config import PAGERDUTY_URL, WebhookConfig, WebhookKind, check_url, split_topic
from sidecar.deliver.webhook.url_secrets import url_secrets
from sidecar.model.errors import TargetError
from sidecar.model.notification import Notification
from sidecar.model.redact import redact
from sidecar.redaction.masked import Masked, cut
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.events import Event
from sidecar.runtime.http import Request, Response
from sidecar.runtime.secret import SecretFiles

SHOWN_BODY_CHARACTERS = 200
MASKED_BODY_BYTES = 8192
UNLIMITED_TRIES = 1_000_000
"""Time limits them."""
RETRIED_CLIENT_ERRORS = (408, 429)

BODIES: Mapping[WebhookKind, Callable[[Notification, str], object]] = {
    "alertmanager": alertmanager_body,
    "slack": slack_body,
    "teams": teams_body,
    "discord": discord_body,
    "pagerduty": pagerduty_body,
    "ntfy": ntfy_body,
}
"""How the body of each kind is made, of a notification and the routing key or topic."""


@dataclass(frozen=True, slots=True)
class WebhookFailing(Event):
    """The first notification that a webhook did not take."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Webhook `{webhook}` does not take alerts: {reason}."
    identity: ClassVar[tuple[str, ...]] = ("webhook",)
    webhook: str
    reason: str


@dataclass(frozen=True, slots=True)
class WebhookRecovered(Event):
    """The first notification it took again."""

    message: ClassVar[str] = "Webhook `{webhook}` takes alerts again; `{lost}` notifications were lost."
    webhook: str
    lost: int


@dataclass(frozen=True, slots=True)
class _Address:
    """Where a notification goes, with what goes into it; all of it secret."""

    url: str
    key: str = ""


class WebhookSender:
    """Sender of notifications, one in a request. Answers 429 and 5xx are tried again, others that are not 2xx lost."""

    kind: ClassVar[SenderKind] = SenderKind("webhook", "notifications", "webhooks", WebhookFailing, WebhookRecovered)

    def __init__(self, config: WebhookConfig, shown: Callable[[str], str] = redact) -> None:
        self.receiver = config.name
        self.limits = SenderLimits(config.max_groups, 1, config.timeout_seconds, UNLIMITED_TRIES, config.retry_seconds)
        self._config = config
        self._shown = shown
        self._files = SecretFiles()

    async def send(self, batch: Sequence[Notification], attempt: Attempt, /) -> Outcome:
        """Send the one notification there is in `batch`; no word of its URL is in what comes back."""
        (notification,) = batch
        attempt.span.note({"sidecar.webhook": self.receiver, "sidecar.alerts": len(notification.alerts)})
        try:
            address = await self._address()
            headers = await self._headers()
        except (TargetError, ValueError) as error:
            return Retry(str(error))
        return await self._exchange(notification.masked(self._shown), address, headers, attempt)

    async def _exchange(
        self, notification: Notification, address: _Address, headers: Mapping[str, str], attempt: Attempt
    ) -> Outcome:
        token = headers.get("Authorization", "").partition(" ")[2]
        hide = OwnSecrets([*url_secrets(address.url), address.key, token]).text
        body = json_bytes(BODIES[self._config.kind](notification, address.key))
        request = Request(address.url, "POST", body, headers)
        try:
            response = await attempt.client.send(request, attempt.seconds)
        except TargetError as error:
            return Retry(hide(str(error)))
        attempt.span.note({"http.response.status_code": response.status})
        return _outcome(response, hide)

    async def _address(self) -> _Address:
        config = self._config
        url = await self._secret(config.url, config.url_file) or PAGERDUTY_URL
        if config.url_file is not None:
            check_url(url)
        if config.kind == "ntfy":
            return _Address(*split_topic(url))
        return _Address(url, await self._secret(config.routing_key, config.routing_key_file))

    async def _headers(self) -> dict[str, str]:
        config = self._config
        credentials = await authorization(self._files, None, config.bearer_token, config.bearer_token_file)
        return {"Content-Type": "application/json", **credentials}

    async def _secret(self, value: SecretStr | None, file: str | None) -> str:
        if file is not None:
            return await self._files.read(file)
        return value.get_secret_value() if value is not None else ""


def _outcome(response: Response, hide: Callable[[str], Masked]) -> Outcome:
    if 200 <= response.status < 300:
        return Delivered()
    text = cut(hide(response.body[:MASKED_BODY_BYTES].decode(errors="replace")), SHOWN_BODY_CHARACTERS).strip()
    reason = f"status {response.status}" + (f", `{text}`" if text else "")
    if response.status >= 500 or response.status in RETRIED_CLIENT_ERRORS:
        return Retry(reason, _asked_seconds(response))
    return Rejected(reason)


def _asked_seconds(response: Response) -> float:
    """Return for how long the receiver asks to wait; a date that it names is counted from its own clock."""
    date = parsedate_tz(response.headers.get("Date", ""))
    return retry_after_seconds(response.headers.get("Retry-After", ""), mktime_tz(date) if date else 0.0)
