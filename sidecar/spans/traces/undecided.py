"""Traces that wait for their decision, and what was decided on the others before."""

from array import array
from collections import OrderedDict

from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.held import HeldTrace

_DROPPED_BITS = 16


class UndecidedTraces:
    """Traces by id; `bytes` is the memory they take besides their recent spans.

    `stragglers` are those whose first span is not a recent one any more, in the order of their first spans. Both
    mappings are to be read only, and `bytes` is to be raised when a trace takes more.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.traces: dict[bytes, HeldTrace] = {}
        self.stragglers: OrderedDict[bytes, HeldTrace] = OrderedDict()
        self._rooted: OrderedDict[bytes, tuple[float, HeldTrace]] = OrderedDict()

    def add(self, trace: HeldTrace) -> None:
        """Take a trace whose id is new here."""
        self.traces[trace.trace_id] = trace
        self.bytes += trace.bytes

    def root_arrived(self, trace: HeldTrace, now: float) -> None:
        """Note that the first local root of `trace` is there."""
        self._rooted[trace.trace_id] = (now, trace)

    def straggle(self, trace: HeldTrace) -> None:
        """Let `trace`, which holds its spans itself, wait for longer."""
        self.stragglers[trace.trace_id] = trace
        trace.straggles = True

    def next_due(self, config: TracesConfig, now: float) -> HeldTrace | None:
        """Return a trace whose time has come; None if there is none."""
        if self._rooted:
            arrived_at, rooted = next(iter(self._rooted.values()))
            if now - arrived_at >= config.decide_after_seconds:
                return rooted
        if self.stragglers:
            oldest = self.oldest_straggler()
            if now - oldest.first_at >= config.decide_without_root_after_seconds:
                return oldest
        return None

    def oldest_straggler(self) -> HeldTrace:
        """Return the first of the stragglers; there must be one."""
        return next(iter(self.stragglers.values()))

    def remove(self, trace: HeldTrace) -> None:
        """Let go of `trace`, which is decided on now."""
        del self.traces[trace.trace_id]
        self.stragglers.pop(trace.trace_id, None)
        self._rooted.pop(trace.trace_id, None)
        self.bytes -= trace.bytes
        trace.decided = True


class DroppedTraces:
    """Remembers the ids of about the last 65,000 traces that were dropped, in half a megabyte.

    An id is its hash in the slot that the hash says: the next one with that slot takes its place. With a hash of 64
    bits, keyed anew in each process, no other id is taken for it in practice.
    """

    def __init__(self) -> None:
        self._slots = array("q", [0]) * (1 << _DROPPED_BITS)
        self._mask = len(self._slots) - 1

    def add(self, trace_id: bytes) -> None:
        """Remember `trace_id`."""
        value = hash(trace_id)
        self._slots[value & self._mask] = value

    def __contains__(self, trace_id: bytes) -> bool:
        """Return whether `trace_id` is remembered."""
        value = hash(trace_id)
        return self._slots[value & self._mask] == value
