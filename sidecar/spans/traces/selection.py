"""The decision: which traces are kept, and why. Chance is a hash of the trace id."""

from typing import NamedTuple
from zlib import crc32

from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.counts import Dropped, Reason
from sidecar.spans.traces.endpoint import MOST_ENDPOINTS, Endpoint
from sidecar.spans.traces.held import HeldTrace
from sidecar.spans.traces.kept import KeptTrace, KeptTraces

SLOW_SECONDS = 3600.0
"""How long a trace stays one of the slowest of its endpoint at most."""
BURST = 10
"""Failed or sampled traces of an endpoint that are kept before its rate is limited."""


class Verdict(NamedTuple):
    """What becomes of a trace: why it is kept, or why not; `instead_of` is the slow one whose place it takes."""

    outcome: Reason | Dropped
    instead_of: KeptTrace | None = None


class Selection:
    """Decides on traces, given those that are kept."""

    def __init__(self) -> None:
        self._allowances: dict[tuple[Reason, Endpoint], _Allowance] = {}

    def verdict(self, trace: HeldTrace, kept: KeptTraces, config: TracesConfig, now: float) -> Verdict:
        """Return what becomes of `trace`: failed ones, then the slowest of each endpoint, then the sample."""
        limited = False
        endpoint = trace.endpoint
        rate = config.max_kept_per_endpoint_per_second
        if trace.failures:
            if self._allows(Reason.ERROR, endpoint, rate, trace.first_at):
                return Verdict(Reason.ERROR)
            limited = True
        if trace.root is not None and config.slowest_per_endpoint:
            slow = kept.of_endpoint(Reason.SLOW, endpoint)
            if len(slow) < config.slowest_per_endpoint:
                return Verdict(Reason.SLOW)
            seconds = trace.root.seconds
            outpaced = [other for other in slow if other.root_seconds < seconds or now - other.kept_at >= SLOW_SECONDS]
            if outpaced:
                return Verdict(Reason.SLOW, min(outpaced, key=lambda other: other.root_seconds))
        if is_sampled(trace.trace_id, config.sample_ratio):
            if self._allows(Reason.SAMPLE, endpoint, rate, trace.first_at):
                return Verdict(Reason.SAMPLE)
            limited = True
        return Verdict(Dropped.RATE_LIMITED if limited else Dropped.NOT_SELECTED)

    def _allows(self, reason: Reason, endpoint: Endpoint, rate: float, came_at: float) -> bool:
        """Return whether one more may be kept: at the trace's time, because many are decided on together."""
        allowance = self._allowances.get((reason, endpoint))
        if allowance is None:
            if len(self._allowances) >= 4 * MOST_ENDPOINTS:
                self._allowances.clear()
            allowance = self._allowances[reason, endpoint] = _Allowance(rate, came_at)
        return allowance.take(rate, came_at)


class _Allowance:
    """So many per second, after a pause as many as in a second at once, or BURST. Time may go back, and then stays."""

    __slots__ = ("_at", "_left")

    def __init__(self, rate: float, at: float) -> None:
        self._left = max(float(BURST), rate)
        self._at = at

    def take(self, rate: float, at: float) -> bool:
        self._left = min(max(float(BURST), rate), self._left + max(at - self._at, 0.0) * rate)
        self._at = max(self._at, at)
        if self._left < 1:
            return False
        self._left -= 1
        return True


def is_sampled(trace_id: bytes, ratio: float) -> bool:
    """Whether a sample of this ratio has this trace: the same everywhere, and more with a higher ratio."""
    return crc32(trace_id) < ratio * (1 << 32)
