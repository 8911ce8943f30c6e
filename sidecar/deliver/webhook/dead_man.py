"""Calling a service outside while all is well from rule to receiver: it notices the silence when we are gone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.deliver.outage import Outage
from sidecar.deliver.sender import SenderContext
from sidecar.deliver.webhook.config import DeadManConfig, check_url
from sidecar.deliver.webhook.url_secrets import url_secrets
from sidecar.model.alert import Alert
from sidecar.model.errors import TargetError
from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.events import Event
from sidecar.runtime.http import HttpClient, Request, open_http_client
from sidecar.runtime.secret import SecretFiles


@dataclass(frozen=True, slots=True)
class DeadManFailing(Event):
    """The first call that was not answered well."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "The dead man's switch cannot be reached: {reason}."
    reason: str


@dataclass(frozen=True, slots=True)
class DeadManRecovered(Event):
    """The first call that was answered well again."""

    message: ClassVar[str] = "The dead man's switch is reached again after {seconds:.0f} s."
    seconds: float


class DeadMan:
    """Calls the configured URL while its alert fires; a Component, and a Sink of alerts.

    An alert fires until the end that its rule gave it: when rules are evaluated no more, the calls stop by themselves.
    """

    name = "dead_man"

    def __init__(self, config: DeadManConfig, context: SenderContext) -> None:
        self._config = config
        self._clock = context.clock
        self._files = SecretFiles()
        self._fires_until_ms = 0
        self._calls = context.meter.counter("sidecar_dead_man_calls_total", "Calls of the dead man's switch.")
        self._failed = context.meter.counter(
            "sidecar_dead_man_failed_calls_total", "Calls of the dead man's switch that were not answered well."
        )
        self._outage = Outage(
            context.clock,
            context.events,
            lambda reason: DeadManFailing(context.shown(reason)),
            lambda over: DeadManRecovered(over.seconds),
        )

    def accept(self, alerts: Sequence[Alert], /) -> int:
        """Note until when the alert fires."""
        for alert in alerts:
            if alert.labels.get("alertname") == self._config.alertname:
                self._fires_until_ms = alert.ends_at_ms
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Call until cancelled."""
        async with open_http_client() as client:
            ready()
            while True:
                if self._fires_until_ms > self._clock.now() * 1000:
                    await self._call(client)
                await self._clock.sleep(self._config.interval_seconds)

    async def _call(self, client: HttpClient) -> None:
        self._calls.inc()
        try:
            await self._ask(client)
        except TargetError as error:
            self._failed.inc()
            self._outage.failed(str(error))
        else:
            self._outage.worked()

    async def _ask(self, client: HttpClient) -> None:
        """Call once; raise TargetError, without a word of the URL, unless the answer is 2xx."""
        url = await self._url()
        try:
            response = await client.send(Request(url), self._config.timeout_seconds)
        except TargetError as error:
            raise TargetError(OwnSecrets(url_secrets(url)).text(str(error))) from None
        if not 200 <= response.status < 300:
            raise TargetError(f"status {response.status}")

    async def _url(self) -> str:
        if self._config.url_file is None:
            assert self._config.url is not None
            return self._config.url.get_secret_value()
        url = await self._files.read(self._config.url_file)
        try:
            check_url(url)
        except ValueError as error:
            raise TargetError(str(error)) from error
        return url
