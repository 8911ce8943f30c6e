"""Telling one Alertmanager about alerts."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sidecar.codec.alertmanager import CONTENT_TYPE, PATH, encode_alerts
from sidecar.deliver.config import AlertmanagerConfig
from sidecar.deliver.credentials import authorization
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.model.alert import Alert
from sidecar.model.errors import TargetError
from sidecar.model.span import SpanKind
from sidecar.model.url import parse_web_url
from sidecar.runtime.events import Event, Events
from sidecar.runtime.http import HttpClient, Request, Response, open_http_client
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.meter import Meter
from sidecar.runtime.queue import BoundedQueue
from sidecar.runtime.tracing import NO_TRACING, Span, Tracing, Value

DRAIN_SECONDS = 2.0
"""Budget for what still waits at shutdown; the process may have no more than that."""

SHOWN_BODY_CHARACTERS = 200


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
    """Sends what `accept` was given, in order and in batches; a Component, and a Sink of alerts.

    A batch that fails is counted and given up: alerts that go on are sent again by their rules. So an Alertmanager
    that is slow or away costs a bounded queue and nothing else.
    """

    def __init__(self, config: AlertmanagerConfig, meter: Meter, events: Events, tracing: Tracing = NO_TRACING) -> None:
        self.name = f"alertmanager/{config.name}"
        self._config = config
        self._events = events
        self._tracing = tracing
        self._span_facts = _span_facts(config)
        self._meters = _Meters(meter, config.name, config.queue_capacity)
        self._queue: BoundedQueue[Alert] = BoundedQueue(config.queue_capacity, self._meters.dropped)
        self._meters.watch(lambda: len(self._queue))
        self._batch: list[Alert] = []
        self._lost: int | None = None

    def accept(self, batch: Sequence[Alert], /) -> int:
        """Queue `batch` without waiting; older alerts make room, so none is refused."""
        for alert in batch:
            self._queue.put(alert)
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled, then spend up to DRAIN_SECONDS on what still waits."""
        async with open_http_client(self._meters.redirects.inc) as client:
            ready()
            try:
                while True:
                    self._batch = self._batch or await self._queue.take(self._config.batch_size)
                    await self._deliver(client, self._batch)
                    self._batch = []
            except asyncio.CancelledError:
                await self._drain(client)
                raise

    async def settle(self) -> None:
        """Spend up to DRAIN_SECONDS on what waits; called when sending itself failed and is not to go on."""
        async with open_http_client(self._meters.redirects.inc) as client:
            await self._drain(client)

    async def send(self, client: HttpClient, batch: Sequence[Alert]) -> Outcome:
        """Send one batch; every answer but 2xx is a failure, and so are no answer and what cannot be written."""
        facts = {**self._span_facts, "sidecar.alerts": len(batch)}
        with self._tracing.span("deliver alerts", SpanKind.CLIENT, facts) as span:
            try:
                outcome = await self._exchange(client, batch, span)
            except Exception as error:  # noqa: BLE001 - the edge: what an Alertmanager does is never the end of sending
                outcome = Rejected(reason_of(error))
            if not isinstance(outcome, Delivered):
                span.fail(type(outcome).__name__.lower(), outcome.reason)
        return outcome

    async def _exchange(self, client: HttpClient, batch: Sequence[Alert], span: Span) -> Outcome:
        try:
            body = encode_alerts(batch)
        except (ValueError, TypeError, OverflowError) as error:
            return Rejected(f"the batch cannot be written as JSON, {error}")
        try:
            response = await client.send(await self._request(body), self._config.timeout_seconds)
        except TargetError as error:
            return Retry(str(error))
        span.note({"http.response.status_code": response.status})
        if 200 <= response.status < 300:
            return Delivered()
        reason = _reason(response)
        return Retry(reason) if response.status >= 500 or response.status == 429 else Rejected(reason)

    async def _request(self, body: bytes) -> Request:
        headers = {"Content-Type": CONTENT_TYPE}
        credentials = await authorization(self._config)
        if credentials is not None:
            headers["Authorization"] = credentials
        return Request(self._config.url + PATH, "POST", body, headers)

    async def _deliver(self, client: HttpClient, batch: Sequence[Alert]) -> None:
        outcome = await self.send(client, batch)
        self._meters.sent.inc(len(batch))
        if isinstance(outcome, Delivered):
            self._recovered()
            return
        self._meters.errors.inc(len(batch))
        self._meters.dropped(len(batch))
        self._failed(outcome.reason, len(batch))

    async def _drain(self, client: HttpClient) -> None:
        """Deliver what a cancelled request and the queue hold; Alertmanager does not mind getting an alert twice."""
        waiting = [*self._batch, *self._queue.drain()]
        self._batch = []
        size = self._config.batch_size
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while waiting:
                    await self._deliver(client, waiting[:size])
                    del waiting[:size]
        except (TimeoutError, asyncio.CancelledError):
            # Python 3.11.2 tells a deadline in a task that is being cancelled as a cancellation; that of the task
            # itself goes on when this returns.
            pass
        finally:
            self._meters.dropped(len(waiting))

    def _failed(self, reason: str, count: int) -> None:
        if self._lost is None:
            self._lost = 0
            self._events.emit(AlertmanagerFailing(self._config.name, reason))
        self._lost += count

    def _recovered(self) -> None:
        if self._lost is not None:
            self._events.emit(AlertmanagerRecovered(self._config.name, self._lost))
            self._lost = None


class _Meters:
    """Prometheus' own metrics of notifications, so that its mixin works here too."""

    def __init__(self, meter: Meter, alertmanager: str, capacity: int) -> None:
        names = ["alertmanager"]
        self.sent = meter.counter(
            "prometheus_notifications_sent_total", "Alerts sent, failed ones included.", names
        ).labels(alertmanager)
        self.errors = meter.counter(
            "prometheus_notifications_errors_total", "Alerts sent that were not taken.", names
        ).labels(alertmanager)
        self.redirects = meter.counter(
            "sidecar_notifications_redirects_total",
            "Redirects of the Alertmanager to another path of its own that were followed.",
            names,
        ).labels(alertmanager)
        self._dropped = meter.counter(
            "prometheus_notifications_dropped_total",
            "Alerts that never arrived: not taken, or the queue was full.",
            names,
        ).labels(alertmanager)
        self._length = meter.gauge(
            "prometheus_notifications_queue_length", "Alerts that wait to be sent.", names
        ).labels(alertmanager)
        meter.gauge("prometheus_notifications_queue_capacity", "Alerts that may wait to be sent.", names).labels(
            alertmanager
        ).set(capacity)

    def dropped(self, count: int) -> None:
        """Count alerts that are lost."""
        self._dropped.inc(count)

    def watch(self, length: Callable[[], float]) -> None:
        """Show the queue's length as it is at each scrape."""
        self._length.set_function(length)


def _span_facts(config: AlertmanagerConfig) -> Mapping[str, Value]:
    """Return what every span of a delivery says, in the words of OpenTelemetry's conventions for HTTP."""
    parts = parse_web_url(config.url)
    return {
        "http.request.method": "POST",
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        "sidecar.alertmanager": config.name,
    }


def _reason(response: Response) -> str:
    text = response.body[:SHOWN_BODY_CHARACTERS].decode(errors="replace").strip()
    return f"status {response.status}" + (f", `{text}`" if text else "")
