"""All groups of errors, within a limit; what changed can be taken away to be kept over a restart."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

import msgspec

from sidecar.fingerprint.stack import (
    HEAD,
    TAIL,
    ErrorText,
    Grouping,
    Where,
    grouped,
    where_thrown,
    without_message,
    without_messages_of_causes,
)
from sidecar.fingerprint.stacks.thrown import Frame
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.redact import HIDDEN
from sidecar.redaction.long_text import beginning, both_ends
from sidecar.redaction.masked import cut
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.group import MESSAGE_LENGTH, ErrorGroup, Example, State
from sidecar.spans.shares import Shares

_REMEMBERED_STACKS = 1024
_MESSAGE_READ = 4096
"""Characters of a message that are masked, before it is cut to what is kept."""

Record: TypeAlias = tuple[str, bytes]
"""A group as it is kept: its id, and JSON."""

GROUPS = Family("sidecar_error_groups", MetricType.GAUGE, "Groups of errors that are kept, by state.", ("state",))
NEW_GROUPS = Family("sidecar_error_groups_new_total", MetricType.COUNTER, "Groups of errors seen for the first time.")
EVICTED = Family(
    "sidecar_error_groups_evicted_total", MetricType.COUNTER, "Groups of errors that made room for newer ones."
)


class Occurrence(NamedTuple):
    """An error that happened; `time` is Unix time in seconds, `release` the `service.version`.

    `explicit` is a fingerprint that the app has set itself. `weight` is how many errors it stands for. Ids
    may be none.
    """

    service: str
    release: str
    error: ErrorText
    explicit: str
    trace_id: bytes
    span_id: bytes
    time: float
    weight: float = 1.0


class ErrorGroups:
    """The groups of errors by their id, that seen last at the end; `link` is told the trace and group of each error.

    Groups have Unix time; what is told here has that of the steady clock, of which `wall` makes it. Texts go through
    `redactor`, types before they come here. `opened` counts groups seen for the first time. Lives as
    long as the process; restored groups come to those that are there by then. Above `max_groups` the group goes that
    was not seen for the longest time, whatever its state, of the service that has the most.
    """

    def __init__(
        self,
        config: ErrorGroupsConfig,
        redactor: Redactor,
        link: Callable[[bytes, str], None] = lambda trace_id, group_id: None,
        wall: Callable[[float], float] = float,
    ) -> None:
        self._wall = wall
        self._config = config
        self.redactor = redactor
        self._link = link
        self._groups: OrderedDict[str, ErrorGroup] = OrderedDict()
        self._shares = Shares()
        self._known: dict[tuple[str, str, str, int], Grouping | Where] = {}
        self._changed: dict[str, None] = {}
        self._handed_out: set[str] = set()
        self.opened = 0
        self._evicted = 0

    def configure(self, config: ErrorGroupsConfig) -> None:
        """Take other settings."""
        self._config = config
        self._make_room()

    def add(self, occurrence: Occurrence, now: float) -> str:
        """Count an error that came at `now`; return the id of its group."""
        now, grouping = self._wall(now), self._grouping_of(occurrence)
        group = self._groups.get(grouping.fingerprint)
        if group is None:
            group = self._open(grouping, occurrence, now)
        else:
            self._groups.move_to_end(group.id)
            self._shares.use(group.service, group.id)
        group.add(occurrence.release, occurrence.weight, occurrence.time, now)
        if group.wants_example(occurrence.time):
            self._add_example(group, occurrence)
        self._changed[group.id] = None
        self._link(occurrence.trace_id, group.id)
        return group.id

    def resolve(self, group_id: str, now: float) -> bool:
        """Say that the problem is solved; an error that happens after `now` is a regression. False: no such group."""
        return self._mark(group_id, State.RESOLVED, now)

    def ignore(self, group_id: str, now: float) -> bool:
        """Say that nobody need care. False: no such group."""
        return self._mark(group_id, State.IGNORED, now)

    def reopen(self, group_id: str, now: float) -> bool:
        """Take back what was said. False: no such group."""
        return self._mark(group_id, None, now)

    def get(self, group_id: str) -> ErrorGroup | None:
        """Return a group to look at."""
        return self._groups.get(group_id)

    def newest(self) -> Iterator[ErrorGroup]:
        """Yield all groups to look at, that seen last first."""
        return reversed(self._groups.values())

    def state_of(self, group: ErrorGroup, now: float) -> State:
        """Return the state of `group` at `now`."""
        return group.state(self._wall(now), self._config.new_for_seconds)

    def trend_of(self, group: ErrorGroup, now: float) -> list[float]:
        """Return the trend of `group` at `now`."""
        return group.trend(self._wall(now))

    @property
    def changed(self) -> int:
        """How many groups `next_changes` is about to tell of."""
        return len(self._changed)

    def next_changes(self, most: int) -> list[tuple[str, bytes | None]]:
        """Return what is to be kept of `most` groups, the next that changed since they were returned or restored.

        That is None of a group which was returned or restored before and is gone.
        """
        changes: list[tuple[str, bytes | None]] = []
        for key in tuple(islice(self._changed, most)):
            del self._changed[key]
            group = self._groups.get(key)
            if group is not None:
                self._handed_out.add(key)
                changes.append((key, msgspec.json.encode(group)))
            elif key in self._handed_out:
                self._handed_out.remove(key)
                changes.append((key, None))
        return changes

    def restore(self, records: Iterable[Record]) -> int:
        """Take back what was kept, as older than all that is here; return how many records were not readable.

        Those count as gone.
        """
        unreadable = 0
        restored: dict[str, ErrorGroup] = {}
        for key, record in records:
            self._handed_out.add(key)
            try:
                restored[key] = msgspec.json.decode(record, type=ErrorGroup)
            except msgspec.DecodeError:
                self._changed[key] = None
                unreadable += 1
        for group in sorted(restored.values(), key=lambda group: group.last_seen, reverse=True):
            self._take_back(group)
        self._make_room()
        return unreadable

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the metrics about groups at `now`."""
        states = Counter(self.state_of(group, now) for group in self._groups.values())
        counted = [Sample(GROUPS.name, (("state", state.value),), states[state]) for state in State]
        yield FamilySamples(GROUPS, counted)
        yield FamilySamples(NEW_GROUPS, [Sample(NEW_GROUPS.name, (), self.opened)])
        yield FamilySamples(EVICTED, [Sample(EVICTED.name, (), self._evicted)])

    def _grouping_of(self, occurrence: Occurrence) -> Grouping:
        """Return the grouping; what a stack trace says is remembered: reading one costs ten times that."""
        error = occurrence.error
        # Messages are in the stack trace and differ; what is left of that is the same for the same build.
        stack = without_message(error)
        left = without_messages_of_causes(stack, error.language)
        key = (occurrence.service, error.type, occurrence.explicit, hash((left, error.language)))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED_STACKS:
                self._known.clear()
            where = where_thrown(stack, error.language)
            known = where if where.by_message else grouped(occurrence.service, error, where, occurrence.explicit)
            self._known[key] = known
        if isinstance(known, Grouping):
            return known
        return grouped(occurrence.service, error, known, occurrence.explicit)

    def _open(self, grouping: Grouping, occurrence: Occurrence, now: float) -> ErrorGroup:
        frames: list[str] = [self._shown(frame) for frame in grouping.frames]
        kind = self.redactor.label(occurrence.error.type)
        group = ErrorGroup(grouping.fingerprint, occurrence.service, kind, frames, first_seen=now, last_seen=now)
        self._groups[group.id] = group
        self._shares.use(group.service, group.id)
        self.opened += 1
        self._make_room()
        return group

    def _shown(self, frame: Frame) -> str:
        """Return a call; what is a secret only together, such as a token that was taken for a class, is not shown."""
        place, function = self.redactor.code(frame.place), self.redactor.code(frame.function)
        together = self.redactor.code(f"{frame.place}.{frame.function}")
        return f"{place} {function}" if together == f"{place}.{function}" else HIDDEN

    def _add_example(self, group: ErrorGroup, occurrence: Occurrence) -> None:
        text, error = self.redactor.text, occurrence.error
        message = cut(text(beginning(error.message, _MESSAGE_READ)), MESSAGE_LENGTH)
        stack = text(both_ends(error.stack, HEAD, TAIL))
        ids = occurrence.trace_id.hex(), occurrence.span_id.hex()
        group.add_example(Example(*ids, occurrence.time, message), stack)

    def _mark(self, group_id: str, state: State | None, now: float) -> bool:
        group = self._groups.get(group_id)
        if group is None:
            return False
        group.mark, group.marked_at = state, self._wall(now)
        self._changed[group_id] = None
        return True

    def _take_back(self, group: ErrorGroup) -> None:
        present = self._groups.get(group.id)
        if present is not None:
            present.merge(group)
            self._changed[group.id] = None
        else:
            self._groups[group.id] = group
            self._groups.move_to_end(group.id, last=False)
            self._shares.add_oldest(group.service, group.id)

    def _make_room(self) -> None:
        while len(self._groups) > self._config.max_groups:
            key = self._shares.next_to_go()
            del self._groups[key]
            self._changed[key] = None
            self._evicted += 1
        if len(self._changed) > 2 * self._config.max_groups:  # nobody takes the changes away
            self._changed = {key: None for key in self._changed if key in self._groups or key in self._handed_out}
