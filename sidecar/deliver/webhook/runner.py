"""What runs a webhook: alerts go into groups, and the groups whose time has come are sent."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from sidecar.deliver.outcome import Delivered, Outcome
from sidecar.deliver.sender import SenderContext, SenderRunner
from sidecar.deliver.webhook.config import WebhookConfig
from sidecar.deliver.webhook.grouping import Grouping, GroupingSettings, IsMuted, Now
from sidecar.deliver.webhook.sender import WebhookSender
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification
from sidecar.runtime.clock import Clock

TICK_SECONDS = 1.0
"""How often groups are looked at: waits are whole seconds, and an alert may end by itself."""


class GroupQueue:
    """A queue whose items are the groups that are due; what goes in are alerts."""

    def __init__(self, grouping: Grouping, clock: Clock) -> None:
        self.grouping = grouping
        self._clock = clock
        self._due: deque[Notification] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return self.grouping.count_due(self.now())

    def now(self) -> Now:
        """Return this moment."""
        return Now(self._clock.monotonic(), round(self._clock.now() * 1000))

    def accept(self, alerts: Sequence[Alert]) -> None:
        """Take alerts in."""
        self.grouping.accept(alerts, self.now())
        self._filled.set()

    def put(self, item: Notification, /) -> None:
        """Append what is told outside of any group."""
        self._due.append(item)
        self._filled.set()

    async def take(self, most: int, /) -> list[Notification]:
        """Wait for a group that is due."""
        while not (found := self._next(most)):
            if self.grouping.next_seconds is None:
                self._filled.clear()
                await self._filled.wait()
            else:
                await self._clock.sleep(TICK_SECONDS)
        return found

    def drain(self) -> list[Notification]:
        """Return what is due now."""
        return self._next(len(self._due) + self.grouping.group_count)

    def _next(self, most: int) -> list[Notification]:
        if not self._due:
            self._due.extend(self.grouping.due(self.now()))
        return [self._due.popleft() for _ in range(min(most, len(self._due)))]


class WebhookRunner:
    """Tells one webhook of alerts; a Component, and a Sink of alerts."""

    def __init__(self, config: WebhookConfig, external_url: str, is_muted: IsMuted, context: SenderContext) -> None:
        sender = WebhookSender(config, context.shown)
        meter, labels = context.meter, [sender.kind.name]
        dropped = meter.counter(
            "sidecar_webhook_alerts_dropped_total", "Alerts beyond the most that a webhook may hold.", labels
        ).labels(config.name)
        grouping = Grouping(_settings(config, external_url), is_muted, dropped.inc)
        self._queue = GroupQueue(grouping, context.clock)
        self._runner: SenderRunner[Notification] = SenderRunner(sender, context, self._queue, self._finished)
        self.name = self._runner.name
        shown: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("sidecar_webhook_groups", "Groups of alerts that a webhook holds.", lambda: grouping.group_count),
            ("sidecar_webhook_alerts", "Alerts in all groups of a webhook.", lambda: grouping.alert_count),
        )
        for name, text, read in shown:
            meter.gauge(name, text, labels).labels(config.name).set_function(read)

    def accept(self, alerts: Sequence[Alert], /) -> int:
        """Take in alerts without waiting; what is too much is dropped and counted, none is refused."""
        self._queue.accept(alerts)
        return 0

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled, then for a moment what is due."""
        await self._runner.run(ready)

    async def settle(self) -> None:
        """Send for a moment what is due."""
        await self._runner.settle()

    def _finished(self, batch: Sequence[Notification], outcome: Outcome) -> None:
        for notification in batch:
            self._queue.grouping.finished(notification, self._queue.now(), was_taken=isinstance(outcome, Delivered))


def _settings(config: WebhookConfig, external_url: str) -> GroupingSettings:
    return GroupingSettings(
        receiver=config.name,
        group_by=config.group_by,
        group_wait_seconds=config.group_wait_seconds,
        group_interval_seconds=config.group_interval_seconds,
        repeat_interval_seconds=config.repeat_interval_seconds,
        send_resolved=config.send_resolved,
        max_groups=config.max_groups,
        max_alerts=config.max_alerts,
        external_url=external_url,
    )
