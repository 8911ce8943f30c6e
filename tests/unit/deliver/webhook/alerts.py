"""Alerts and notifications for tests of webhooks."""

from collections.abc import Mapping

from sidecar.deliver.webhook.grouping import Grouping, GroupingSettings, IsMuted, Now
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification

START_MS = 1_700_000_000_000
LONG_MS = 10**12


def nothing_muted(_labels: Mapping[str, str], _at_ms: int) -> bool:
    return False


def alert(name: str = "A", seconds: float = 0, ends: float | None = None, **labels: str) -> Alert:
    """Return an alert that fires from `seconds` after the start, until `ends` after it."""
    end_ms = START_MS + (LONG_MS if ends is None else round(ends * 1000))
    return Alert({"alertname": name, **labels}, {}, START_MS + round(seconds * 1000), end_ms, "")


class Groups:
    """A Grouping with settings at hand: wait 30 s, interval 300 s, repetition 3600 s unless the test says so."""

    def __init__(self, is_muted: IsMuted = nothing_muted, **settings: object) -> None:
        given = {
            "receiver": "chat",
            "group_by": ("alertname",),
            "group_wait_seconds": 30,
            "group_interval_seconds": 300,
            "repeat_interval_seconds": 3600,
            "send_resolved": True,
            "max_groups": 10,
            "max_alerts": 20,
            **settings,
        }
        self.dropped = 0
        self.grouping = Grouping(GroupingSettings(**given), is_muted, self._drop)  # type: ignore[arg-type]

    def _drop(self, count: int) -> None:
        self.dropped += count

    def accept(self, seconds: float, *alerts: Alert) -> None:
        self.grouping.accept(alerts, now(seconds))

    def due(self, seconds: float, *, was_taken: bool | None = True) -> list[tuple[str, list[str]]]:
        """Return what is told then, as status and the labels `n` or `alertname`; None leaves it under way."""
        notifications = self.grouping.due(now(seconds))
        if was_taken is not None:
            for one in notifications:
                self.grouping.finished(one, now(seconds), was_taken=was_taken)
        return [(one.status, [name_of(one, each) for each in one.alerts]) for one in notifications]


def name_of(notification: Notification, one: Alert) -> str:
    return one.labels.get("n", one.labels["alertname"]) + ("" if notification.is_firing(one) else "-")


def now(seconds: float) -> Now:
    return Now(seconds, START_MS + round(seconds * 1000))
