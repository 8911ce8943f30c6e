"""What came of a flood: a row of the table, and what is wrong with it."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.soak.bounds.bodies import SMALL_MS, BodyFlood
from tests.soak.bounds.items import ItemFlood
from tests.soak.bounds.sender import Sent
from tests.soak.bounds.watched import Watched

GROWTH_MB = 8.0
"""What memory may be more in the second half of a flood than in its first: what an allocator does on its own."""
MOST_MB = 500.0
"""What the limits add up to: 110 for an idle process, 128 for requests at once and as much again while their buffers
grow, 64 for zstd's windows, and 70 for all that is remembered and kept."""
HEADER = (
    f"{'flood':44} {'answers':30} {'before':>6} {'half':>6} {'peak':>6} {'after':>6} MB"
    f" {'p50':>6} {'p99':>6} {'max':>6} ms  not kept"
)


class Outcome(NamedTuple):
    """A flood and what was seen of it."""

    flood: ItemFlood | BodyFlood
    sent: Sent
    watched: Watched

    @property
    def row(self) -> str:
        """Return a line below HEADER."""
        memory, probes = self.watched.memory, self.watched.latencies
        answers = ", ".join(f"{count} x {status or 'hung up'}" for status, count in sorted(self.sent.statuses.items()))
        sizes = " ".join(f"{size:6.0f}" for size in (memory.before, memory.first_half, memory.peak, memory.after))
        times = " ".join(f"{probes.percentile(percent):6.1f}" for percent in (50, 99, 100))
        return f"{self.flood.name:44} {answers:30} {sizes}    {times}     {self._told()}"

    @property
    def failures(self) -> list[str]:
        """Return what is wrong, in words."""
        return [f"{self.flood.name}: {text}" for text in self._wrong()]

    def _wrong(self) -> Iterator[str]:
        memory = self.watched.memory
        grown = memory.second_half - memory.first_half
        if grown > GROWTH_MB:
            yield f"memory grew by {grown:.0f} MB in the second half"
        if memory.peak > MOST_MB:
            yield f"memory was {memory.peak:.0f} MB, and {MOST_MB:.0f} are what the limits add up to"
        bound = self.flood.bound_ms if isinstance(self.flood, BodyFlood) else SMALL_MS
        slow = self.watched.latencies.percentile(99)
        if slow > bound:
            yield f"one of a hundred probes took {slow:.0f} ms, and {bound:.0f} are allowed"
        if isinstance(self.flood, ItemFlood):
            tells = self.flood.tells
            if tells and not any(name.startswith(tells) for name in self.watched.counters):
                yield f"none of the counters {', '.join(tells)} tells"

    def _told(self) -> str:
        largest = sorted(self.watched.counters.items(), key=lambda item: -item[1])[:2]
        return ", ".join(f"{name.removeprefix('sidecar_')} {value:.0f}" for name, value in largest)
