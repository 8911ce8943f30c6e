"""One group of errors: counts, releases, examples and its state."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

HOURS = 24
RELEASES = 10
EXAMPLES = 5
EXAMPLE_SECONDS = 10.0
"""A newer example takes the place of an older one at most this often."""
MESSAGE_LENGTH = 1000
LATE_SECONDS = 120.0
"""How long an error may wait for its trace: what is later by more than this was noted before the clock was set back."""
STACK_LENGTH = 4000
"""Characters of the last stack trace that are kept, half from its beginning and half from its end."""


class State(StrEnum):
    """What a group is to whoever looks after it."""

    NEW = "new"
    ONGOING = "ongoing"
    REGRESSED = "regressed"
    """It came back after it was resolved."""
    RESOLVED = "resolved"
    IGNORED = "ignored"
    """It is counted and nothing else."""


class Example(NamedTuple):
    """Where an error of the group happened; ids in hexadecimal, empty where a log record had none. Unix seconds."""

    trace_id: str
    span_id: str
    time: float
    message: str


class Release(msgspec.Struct):
    """A `service.version` that the error was seen in."""

    first_seen: float
    last_seen: float
    count: float = 0


class ErrorGroup(msgspec.Struct):
    """Errors with one fingerprint, which is their `id`. Times are Unix time in seconds, texts are masked.

    `frames` are the calls that decided, the innermost first. `count` is a number of errors, of sampled traces as many
    as they stand for. `mark` is what somebody said, or that it regressed, and `marked_at` when.
    """

    id: str
    service: str
    type: str
    frames: list[str]
    first_seen: float
    last_seen: float
    message: str = ""
    stack: str = ""
    count: float = 0
    hours: dict[int, float] = {}  # msgspec gives each group its own
    releases: dict[str, Release] = {}
    examples: list[Example] = []
    mark: State | None = None
    marked_at: float = 0

    def state(self, now: float, new_for_seconds: float) -> State:
        """Return the state at Unix time `now`."""
        if self.mark in (State.RESOLVED, State.IGNORED):
            return self.mark
        since = self.marked_at if self.mark else self.first_seen
        return State.ONGOING if now - since >= new_for_seconds else self.mark or State.NEW

    def trend(self, now: float) -> list[float]:
        """Return the counts of the last 24 hours, each of a whole hour of the clock, the current one last."""
        current = int(now // 3600)
        return [self.hours.get(hour, 0) for hour in range(current - HOURS + 1, current + 1)]

    def add(self, release: str, weight: float, time: float, now: float) -> None:
        """Count an error of `release` that happened at `time` and came at Unix time `now`, in whatever sequence.

        One that happened before the group was resolved, and arrives only now, is no regression.
        """
        if self.last_seen > now + LATE_SECONDS:
            self.last_seen, self.marked_at = now, min(self.marked_at, time)
        if self.mark is State.RESOLVED and time > self.marked_at:
            self.mark, self.marked_at = State.REGRESSED, now
        self.first_seen, self.last_seen = min(self.first_seen, now), max(self.last_seen, now)
        self.count += weight
        hour = int(now // 3600)
        self.hours[hour] = self.hours.get(hour, 0) + weight
        if len(self.hours) > HOURS:
            self.hours = {key: count for key, count in self.hours.items() if key > hour - HOURS}
        self._add_release(release, weight, now)

    def wants_example(self, time: float) -> bool:
        """Return whether an error that happened at `time` should become an example."""
        return not self.examples or time - self.examples[-1].time >= EXAMPLE_SECONDS

    def add_example(self, example: Example, stack: str) -> None:
        """Show `example` and its stack trace instead of what was shown before; the first one stays among the others."""
        half = STACK_LENGTH // 2
        self.message = example.message
        self.stack = stack if len(stack) <= STACK_LENGTH else f"{stack[:half]}\n...\n{stack[-half:]}"
        self.examples.append(example)
        if len(self.examples) > EXAMPLES:
            del self.examples[1]

    def merge(self, earlier: "ErrorGroup") -> None:
        """Add what is known from before a restart to a group that has errors already."""
        self.first_seen = min(self.first_seen, earlier.first_seen)
        self.count += earlier.count
        self.hours = {hour: self.hours.get(hour, 0) + earlier.hours.get(hour, 0) for hour in self.hours | earlier.hours}
        self.releases = earlier.releases | self.releases
        self.examples = [*earlier.examples, *self.examples][:EXAMPLES]
        if self.mark is None:
            returned = earlier.mark is State.RESOLVED
            self.mark, self.marked_at = earlier.mark, earlier.marked_at
            if returned:
                self.mark, self.marked_at = State.REGRESSED, self.last_seen

    def _add_release(self, release: str, weight: float, now: float) -> None:
        if not release:
            return
        if release not in self.releases:
            if len(self.releases) >= RELEASES:
                del self.releases[min(self.releases, key=lambda name: self.releases[name].last_seen)]
            self.releases[release] = Release(now, now)
        known = self.releases[release]
        known.first_seen, known.last_seen = min(known.first_seen, now), max(known.last_seen, now)
        known.count += weight
