"""Telling one Alertmanager about alerts, by version 2 of its API."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.codec.alertmanager import CONTENT_TYPE, PATH, encode_alerts
from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.place import Place, place_of
from sidecar.deliver.alertmanager.tls import AlertmanagerTls
from sidecar.deliver.credentials import authorization
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.deliver.sender import Attempt, SenderKind, SenderLimits
from sidecar.model.alert import Alert
from sidecar.model.errors import TargetError
from sidecar.model.url import parse_web_url
from sidecar.redaction.masked import cut
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.events import Event
from sidecar.runtime.http import Request, Response
from sidecar.runtime.secret import SecretFiles
from sidecar.runtime.tracing import Value

SHOWN_BODY_CHARACTERS = 200
MASKED_BODY_BYTES = 2048
"""More than is shown, and with a secret that begins there more by that: half of one is not known for one."""
PERCENT_ENCODED = 3
"""Bytes that a character of a secret may take."""


@dataclass(frozen=True, slots=True)
class AlertmanagerFailing(Event):
    """The first batch an Alertmanager did not take."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Alertmanager `{alertmanager}` does not take alerts: {reason}."
    identity: ClassVar[tuple[str, ...]] = ("alertmanager",)
    alertmanager: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlertmanagerRecovered(Event):
    """The first batch it took again."""

    message: ClassVar[str] = "Alertmanager `{alertmanager}` takes alerts again; `{lost}` notifications were lost."
    alertmanager: str
    lost: int


class AlertmanagerSender:
    """Sender of alerts. A batch that fails is given up: alerts that go on are sent again by their rules."""

    kind: ClassVar[SenderKind] = SenderKind(
        "alertmanager", "alerts", "notifications", AlertmanagerFailing, AlertmanagerRecovered
    )

    def __init__(self, config: AlertmanagerConfig, place: Place | None = None) -> None:
        self._place = place or place_of(config)
        self.receiver = self._place.receiver
        self.limits = SenderLimits(config.queue_capacity, config.batch_size, config.timeout_seconds)
        self._config = config
        self._files = SecretFiles()
        self._tls = AlertmanagerTls(config.tls)
        parts = parse_web_url(self._place.url)
        self._is_https = parts.scheme == "https"
        self._host = f"{self._place.host}:{parts.port}" if self._place.host else ""
        self._span_facts: dict[str, Value] = {
            "http.request.method": "POST",
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if self._is_https else 80),
            "sidecar.alertmanager": self.receiver,
        }

    async def send(self, batch: Sequence[Alert], attempt: Attempt, /) -> Outcome:
        """Send one batch; every answer but 2xx is a failure, and so are no answer and what cannot be written."""
        attempt.span.note({**self._span_facts, "sidecar.alerts": len(batch)})
        try:
            body = encode_alerts(batch)
        except (ValueError, TypeError, OverflowError) as error:
            return Rejected(f"the batch cannot be written as JSON, {error}")
        try:
            return await _exchange(await self._request(body), attempt)
        except TargetError as error:
            return Retry(str(error))

    async def _request(self, body: bytes) -> Request:
        config = self._config
        credentials = await authorization(self._files, config.basic_auth, config.bearer_token, config.bearer_token_file)
        headers = {"Content-Type": CONTENT_TYPE, **credentials} | ({"Host": self._host} if self._host else {})
        tls = await self._tls.context() if self._is_https else True
        name = config.tls.server_name or self._place.host or None
        return Request(self._place.url + PATH, "POST", body, headers, tls, name)


async def _exchange(request: Request, attempt: Attempt) -> Outcome:
    """Send `request`; what is told of the answer never repeats its credentials."""
    secret = request.headers.get("Authorization", "").partition(" ")[2]
    try:
        response = await attempt.client.send(request, attempt.seconds)
    except TargetError as error:
        return Retry(OwnSecrets([secret]).text(str(error)))
    attempt.span.note({"http.response.status_code": response.status})
    return _outcome(response, secret)


def _outcome(response: Response, secret: str) -> Outcome:
    if 200 <= response.status < 300:
        return Delivered()
    start = response.body[: MASKED_BODY_BYTES + PERCENT_ENCODED * len(secret)].decode(errors="replace")
    text = cut(OwnSecrets([secret]).text(start), SHOWN_BODY_CHARACTERS).strip()
    reason = f"status {response.status}" + (f", `{text}`" if text else "")
    return Retry(reason) if response.status >= 500 or response.status == 429 else Rejected(reason)
