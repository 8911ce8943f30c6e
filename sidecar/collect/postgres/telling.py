"""What a target has to tell beside its metrics: each thing once, and again when it is another one or has come back."""

from collections.abc import Callable, Sequence

from sidecar.collect.postgres.events import CollectorAdvice, DatabasesNotVisited, ValuesUnreadable
from sidecar.collect.postgres.view import Notes
from sidecar.runtime.events import Event
from sidecar.runtime.meter import Meter

MOST_NAMES = 10
"""In one line of the log."""


class Telling:
    """Tells about one target, `name` in events and `target` in our own metrics."""

    def __init__(self, name: str, target: str, emit: Callable[[Event], None], meter: Meter) -> None:
        self._name = name
        self._target = target
        self._emit = emit
        self._once: set[type[Event]] = set()
        self._unreadable: set[str] = set()
        self._advised: dict[str, list[str]] = {}
        self._not_visited: Sequence[str] = ()
        self._counter = meter.counter(
            "sidecar_pg_unreadable_total",
            "Rows and values of a Postgres server that could not be read and were left out.",
            ["target"],
        )

    def begin(self) -> None:
        """Count from zero."""
        self._counter.labels(self._target)

    def end(self) -> None:
        """Let our own metrics of the target end."""
        self._counter.remove(self._target)

    def was_told(self, kind: type[Event]) -> bool:
        """Return whether an event of this kind was told once."""
        return kind in self._once

    def once(self, event: Event) -> None:
        """Tell the first event of its kind, and no other."""
        if type(event) not in self._once:
            self._once.add(type(event))
            self._emit(event)

    def notes(self, collector: str, notes: Notes) -> None:
        """Count what was left out; tell it once until nothing is, and an advice until there is another one."""
        self._counter.labels(self._target).inc(notes.left_out)
        if not notes.left_out:
            self._unreadable.discard(collector)
        elif collector not in self._unreadable:
            self._unreadable.add(collector)
            self._emit(ValuesUnreadable(self._name, collector, notes.left_out, notes.example))
        if notes.advice != self._advised.get(collector, []):
            self._advised[collector] = notes.advice
            for advice in notes.advice:
                self._emit(CollectorAdvice(self._name, collector, advice))

    def not_visited(self, names: Sequence[str]) -> None:
        """Tell which databases are not visited for their names."""
        if names and names != self._not_visited:
            listed = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
            self._emit(DatabasesNotVisited(self._name, listed + (" and others" if names[MOST_NAMES:] else "")))
        self._not_visited = names
