"""Which alerts are told together and when: Alertmanager's groups, waits and repetitions, with time passed in.

Pure: `accept` and `due` are told what time it is, `finished` what became of what was due. Different from an
Alertmanager: one that ended is told once, however often its rule says so again, and while it is muted it is kept, so
that its end is told once the mute is over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from sidecar.model.alert import Alert
from sidecar.model.labels import Labels, labels_of
from sidecar.model.notification import Notification

ALL_LABELS = "..."
"""In `group_by`: every alert for itself."""
FIRST = ("job", "instance")
"""Labels that alerts are ordered by before any other, as in Alertmanager."""

IsMuted: TypeAlias = Callable[[Mapping[str, str], int], bool]
"""Tells whether alerts with these labels are muted at a Unix time in milliseconds."""


class Now(NamedTuple):
    """One moment: seconds of a clock that nobody sets, which waits go by, and Unix time, which alerts end by."""

    seconds: float
    wall_ms: int


@dataclass(frozen=True, slots=True)
class GroupingSettings:
    """How alerts are grouped, and the most that may be held."""

    receiver: str
    group_by: Sequence[str]
    group_wait_seconds: float
    group_interval_seconds: float
    repeat_interval_seconds: float
    send_resolved: bool
    max_groups: int
    max_alerts: int
    external_url: str = ""


class _Told(NamedTuple):
    """What the receiver was told last of a group: the alerts that fired, and when."""

    firing: frozenset[Labels]
    at_seconds: float


@dataclass(slots=True, eq=False)
class _Group:
    labels: Labels
    next_seconds: float
    alerts: dict[Labels, Alert] = field(default_factory=dict)
    was_due: bool = False
    told: _Told | None = None
    under_way: Mapping[Labels, Alert] | None = None
    """What is being told now; of an alert that changes meanwhile the change is told later."""


class Grouping:
    """The groups of one receiver, at most one notification of each under way; `dropped` is told of alerts refused."""

    def __init__(self, settings: GroupingSettings, is_muted: IsMuted, dropped: Callable[[int], None]) -> None:
        self._settings = settings
        self._is_muted = is_muted
        self._dropped = dropped
        self._groups: dict[Labels, _Group] = {}
        self.alert_count = 0

    @property
    def group_count(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    @property
    def next_seconds(self) -> float | None:
        """When something may be due, by the clock that nobody sets; None while there is nothing to wait for."""
        return min((group.next_seconds for group in self._groups.values() if group.under_way is None), default=None)

    def accept(self, alerts: Iterable[Alert], now: Now) -> None:
        """Take in alerts as they are now; what ended without having been known is nothing to tell."""
        for alert in alerts:
            key = labels_of(alert.labels)
            group = self._group_of(alert, key, now)
            if group is None:
                continue
            known = group.alerts.get(key)
            if known is None:
                if not self._may_begin(alert, now):
                    continue
                self.alert_count += 1
            elif known.ends_at_ms <= now.wall_ms and alert.ends_at_ms <= now.wall_ms:
                continue
            group.alerts[key] = alert
            if not group.was_due and alert.starts_at_ms + self._settings.group_wait_seconds * 1000 < now.wall_ms:
                group.next_seconds = now.seconds
        self._forget_empty()

    def due(self, now: Now) -> list[Notification]:
        """Return what is to be told now; each is under way until it is `finished`."""
        found = []
        for group in self._groups.values():
            if group.under_way is None and group.next_seconds <= now.seconds:
                group.was_due = True
                group.next_seconds = now.seconds + self._settings.group_interval_seconds
                notification = self._told_of(group, now)
                if notification is not None:
                    found.append(notification)
        self._forget_empty()
        return found

    def count_due(self, now: Now) -> int:
        """Return of how many groups the time has come, those under way included."""
        return sum(group.under_way is not None or group.next_seconds <= now.seconds for group in self._groups.values())

    def finished(self, notification: Notification, now: Now, *, was_taken: bool) -> None:
        """Note what became of `notification`; what was not taken is told again when its group is due next."""
        group = self._groups.get(labels_of(notification.group_labels))
        if group is None or group.under_way is None:
            return
        told, group.under_way = group.under_way, None
        if was_taken:
            self._note_told(group, told, notification.at_ms, now)
        self._forget_empty()

    def _group_of(self, alert: Alert, key: Labels, now: Now) -> _Group | None:
        """Return the group of `alert`, a new one if it begins one; None if it may not."""
        by = self._settings.group_by
        labels = (
            key if ALL_LABELS in by else labels_of({name: alert.labels[name] for name in by if name in alert.labels})
        )
        group = self._groups.get(labels)
        if group is None and alert.ends_at_ms > now.wall_ms:
            if len(self._groups) >= self._settings.max_groups:
                self._dropped(1)
                return None
            group = self._groups[labels] = _Group(labels, now.seconds + self._settings.group_wait_seconds)
        return group

    def _may_begin(self, alert: Alert, now: Now) -> bool:
        if alert.ends_at_ms <= now.wall_ms:
            return False
        if self.alert_count >= self._settings.max_alerts:
            self._dropped(1)
            return False
        return True

    def _told_of(self, group: _Group, now: Now) -> Notification | None:
        """Return the notification that `group` calls for, and forget the ends that nobody need be told of."""
        wall_ms = now.wall_ms
        seen = {key: alert for key, alert in group.alerts.items() if not self._is_muted(alert.labels, wall_ms)}
        firing = frozenset(key for key, alert in seen.items() if alert.ends_at_ms > wall_ms)
        if not seen or not self._is_news(group.told, firing, len(seen) > len(firing), now):
            self._forget_ended(group, seen, wall_ms)
            return None
        shown = seen if self._settings.send_resolved else {key: seen[key] for key in firing}
        if not shown:
            self._note_told(group, seen, wall_ms, now)
            return None
        group.under_way = seen
        labels = dict(group.labels)
        alerts = tuple(sorted(shown.values(), key=_order))
        key = f"{{}}:{_shown(group.labels)}"
        return Notification(self._settings.receiver, key, labels, alerts, wall_ms, self._settings.external_url)

    def _is_news(self, told: _Told | None, firing: frozenset[Labels], has_ended: bool, now: Now) -> bool:
        if told is None or not firing <= told.firing:
            return bool(firing)
        if not firing:
            return bool(told.firing)
        if has_ended and self._settings.send_resolved:
            return True
        return now.seconds - told.at_seconds >= self._settings.repeat_interval_seconds

    def _note_told(self, group: _Group, told: Mapping[Labels, Alert], at_ms: int, now: Now) -> None:
        firing = frozenset(key for key, alert in told.items() if alert.ends_at_ms > at_ms)
        # What is muted was told before. But where the whole group was told to have ended, so was what is muted.
        muted = (group.told.firing - told.keys()) & group.alerts.keys() if group.told and firing else frozenset()
        group.told = _Told(firing | muted, now.seconds)
        self._forget_ended(group, told, at_ms)

    def _forget_ended(self, group: _Group, seen: Mapping[Labels, Alert], at_ms: int) -> None:
        """Forget alerts that ended by `at_ms`, but for those muted whose end somebody waits for."""
        owed = group.told.firing if group.told else frozenset()
        over = [
            key
            for key, alert in group.alerts.items()
            if alert.ends_at_ms <= at_ms and (seen.get(key) is alert or (key not in seen and key not in owed))
        ]
        for key in over:
            del group.alerts[key]
        self.alert_count -= len(over)

    def _forget_empty(self) -> None:
        for labels in [labels for labels, group in self._groups.items() if not group.alerts and not group.under_way]:
            del self._groups[labels]


def _order(alert: Alert) -> tuple[object, ...]:
    first = tuple((name not in alert.labels, alert.labels.get(name, "")) for name in FIRST)
    return *first, len(alert.labels), labels_of(alert.labels)


def _shown(labels: Labels) -> str:
    quoted = (f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels)
    return "{" + ", ".join(quoted) + "}"


_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
