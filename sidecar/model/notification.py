"""What a receiver without an Alertmanager is told: the alerts of one group together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256

from sidecar.model.alert import Alert


@dataclass(frozen=True, slots=True)
class Notification:
    """The alerts of one group as they are at `at_ms`, in the order in which they are shown.

    `key` names the group and never changes; `group_labels` are those that its alerts have in common by being grouped.
    """

    receiver: str
    key: str
    group_labels: Mapping[str, str]
    alerts: tuple[Alert, ...]
    at_ms: int
    external_url: str = ""
    id: str = field(default="")
    """The key as a short word without what it may say, by which receivers know the group again."""

    def __post_init__(self) -> None:
        """Make the id of the key, unless it was given."""
        if not self.id:
            object.__setattr__(self, "id", sha256(self.key.encode(errors="replace")).hexdigest())

    def masked(self, mask: Callable[[str], str]) -> "Notification":
        """Return the same with every text through `mask`; the id stays."""

        def texts(labels: Mapping[str, str]) -> dict[str, str]:
            return {name: mask(value) for name, value in labels.items()}

        alerts = tuple(
            replace(
                alert,
                labels=texts(alert.labels),
                annotations=texts(alert.annotations),
                generator_url=mask(alert.generator_url),
            )
            for alert in self.alerts
        )
        return replace(self, key=mask(self.key), group_labels=texts(self.group_labels), alerts=alerts)

    def is_firing(self, alert: Alert) -> bool:
        """Return whether `alert` fires now; one that nobody speaks of any more ends by itself."""
        return alert.ends_at_ms > self.at_ms

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire."""
        return tuple(alert for alert in self.alerts if self.is_firing(alert))

    @property
    def resolved(self) -> tuple[Alert, ...]:
        """The alerts that have ended."""
        return tuple(alert for alert in self.alerts if not self.is_firing(alert))

    @property
    def status(self) -> str:
        """`firing` while any alert does, else `resolved`."""
        return "firing" if self.firing else "resolved"

    @property
    def common_labels(self) -> dict[str, str]:
        """Labels that all alerts have, with the same value."""
        return _common([alert.labels for alert in self.alerts])

    @property
    def common_annotations(self) -> dict[str, str]:
        """Annotations that all alerts have, with the same value."""
        return _common([alert.annotations for alert in self.alerts])


def _common(sets: list[Mapping[str, str]]) -> dict[str, str]:
    shared = reduce(lambda left, right: left & right, (set(labels.items()) for labels in sets)) if sets else set()
    return dict(sorted(shared))
