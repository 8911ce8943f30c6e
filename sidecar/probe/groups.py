"""The groups of the probes: which path asks what, of which checks, and what it means that one is silent."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sidecar.probe.checks.config import Role
from sidecar.probe.config import ProbesConfig
from sidecar.probe.judge import CheckState, Judged, has_started, is_not_hung, is_ready


class Input(StrEnum):
    """What a group asks about the sidecar itself, beside the checks of the app."""

    LOOP = "loop"
    """Whether our own event loop runs."""
    RUNNING = "running"
    """Whether we are neither starting nor draining."""
    CONFIGURED = "configured"
    """Whether we finished starting."""


class OnUnknown(StrEnum):
    """What a check means that has not reported for longer than its interval explains."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    """It knows nothing, so it fails nothing."""
    KEEP = "keep"
    """What it said last still holds."""
    FAIL_LATER = "fail later"
    """What it said last holds for `unknown_grace_seconds` more: a dead checker must not say "ok" forever."""


@dataclass(frozen=True, slots=True)
class Group:
    """One question of a probe and who answers it; the path is `name` with a slash, and `aliases`."""

    name: str
    inputs: tuple[Input, ...]
    roles: frozenset[Role] = frozenset()
    judge: Callable[[CheckState, ProbesConfig], Judged] = has_started
    on_unknown: OnUnknown = OnUnknown.KEEP
    blames: bool = False
    """Whether failing has the app restarted, so that a failure counts only where it is surely the app's own."""
    aliases: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that answers for the group."""
        return f"/{self.name}", *self.aliases


EVERY_ROLE: frozenset[Role] = frozenset({"app", "ready"})
APP_ROLE: frozenset[Role] = frozenset({"app"})

LIVE = Group(
    "livez",
    (Input.LOOP,),
    APP_ROLE,
    is_not_hung,
    OnUnknown.PASS,
    blames=True,
    aliases=("/health/live", "/healthz"),
)
LIVE_SELF = Group("livez/self", (Input.LOOP,))
READY = Group("readyz", (Input.RUNNING,), EVERY_ROLE, is_ready, OnUnknown.FAIL_LATER, aliases=("/health/ready",))
READY_SELF = Group("readyz/self", (Input.RUNNING,))
STARTED = Group("startupz", (Input.CONFIGURED,), APP_ROLE, has_started)

GROUPS = (LIVE, LIVE_SELF, READY, READY_SELF, STARTED)
BY_PATH = {path: group for group in GROUPS for path in group.paths}
