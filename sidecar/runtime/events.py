"""Events: one class per thing that happens; emitting one writes a log line and counts it.

A subclass is a frozen dataclass whose fields are the event's facts. `message` is a format string over them, a sentence
with values in backticks. A field called `error` is the text of an exception, and logged without credentials. An event
that repeats one of its class and `identity` is logged at most once a minute, and always counted.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from sidecar.redaction.own_secrets import OwnSecrets
from sidecar.runtime.clock import Clock
from sidecar.runtime.meter import Meter
from sidecar.runtime.queued_log import FIELDS

REPEAT_SECONDS = 60.0
REMEMBERED_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; `level` is a level of `logging`.

    `identity` names the fields whose values make two events of a class repetitions of each other: with () all of them
    are, with None none is.
    """

    level: ClassVar[int] = logging.INFO
    message: ClassVar[str] = ""
    identity: ClassVar[tuple[str, ...] | None] = None


@dataclass(frozen=True, slots=True)
class ComponentFailed(Event):
    """A component ended with an error after it had been ready; it is started again after `retry_seconds`."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "Component `{component}` failed: {error}. Trying again in {retry_seconds:.1f} s."
    identity: ClassVar[tuple[str, ...]] = ("component",)
    component: str
    error: str
    retry_seconds: float


@dataclass(frozen=True, slots=True)
class ComponentFailedToStop(Event):
    """A component raised an error of its own while it was told to stop; it is gone all the same."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Component `{component}` failed while stopping: {error}."
    component: str
    error: str


class Events:
    """Writes events to the log and counts them by class in `sidecar_events_total`."""

    def __init__(self, logger: logging.Logger, meter: Meter, clock: Clock) -> None:
        self._logger = logger
        self._clock = clock
        self._counter = meter.counter(
            "sidecar_events_total", "Events that were logged or would have been.", ["event", "level"]
        )
        self._last_logged: dict[tuple[type[Event], tuple[object, ...]], float] = {}

    def emit(self, event: Event) -> None:
        """Count `event` and log it, unless the same one was logged less than a minute ago."""
        kind = type(event)
        self._counter.labels(kind.__name__, logging.getLevelName(kind.level).lower()).inc()
        if not self._is_repeated(event):
            fields = _shown(asdict(event))
            self._logger.log(
                kind.level, kind.message.format(**fields), extra={FIELDS: {"event": kind.__name__, **fields}}
            )

    def _is_repeated(self, event: Event) -> bool:
        if event.identity is None:
            return False
        repeated = (type(event), tuple(getattr(event, name) for name in event.identity))
        now = self._clock.monotonic()
        last = self._last_logged.get(repeated)
        if last is not None and now - last < REPEAT_SECONDS:
            return True
        if len(self._last_logged) >= REMEMBERED_KEYS:
            self._last_logged.clear()
        self._last_logged[repeated] = now
        return False


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"error": OwnSecrets().text(fields["error"])} if "error" in fields else fields
