"""Kept traces: what is known of each, and which one goes when there is no more room."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator

from sidecar.codec.peer.times import took_nano
from sidecar.spans.traces.counts import Reason
from sidecar.spans.traces.endpoint import Endpoint
from sidecar.spans.traces.held import HeldTrace

TRACE_BYTES = 1_300
"""What the objects around a kept trace take, measured."""


class KeptTrace:
    """A trace that was kept, `kept_at` this time of the steady clock, which is `wall_at` in Unix time.

    `key` is higher than that of every trace kept before. `name` is that of its local root, masked. `otherwise` is why
    it stays once it is cited no longer, None if it does not. `held` has the spans that were not packed yet; `chunks`
    are the others, packed. From the first start to the last end is known of those that were packed while there was no
    local root.
    """

    __slots__ = (
        "chunks",
        "end_unix_nano",
        "endpoint",
        "held",
        "kept_at",
        "key",
        "name",
        "otherwise",
        "packed_bytes",
        "reason",
        "root_seconds",
        "services",
        "start_unix_nano",
        "wall_at",
    )

    def __init__(self, key: int, held: HeldTrace, reason: Reason, kept_at: float, wall_at: float) -> None:
        self.key = key
        self.held = held
        self.endpoint = held.endpoint
        self.reason = reason
        self.otherwise: Reason | None = None if reason is Reason.CITED else reason
        self.kept_at = kept_at
        self.wall_at = wall_at
        self.name = ""
        self.root_seconds = held.root.seconds if held.root else 0.0
        self.chunks: list[bytes] = []
        self.packed_bytes = TRACE_BYTES
        self.services: tuple[str, ...] = ()
        self.start_unix_nano = 0
        self.end_unix_nano = 0

    @property
    def bytes(self) -> int:
        """The memory it takes."""
        return self.packed_bytes + self.held.bytes

    @property
    def seconds(self) -> float:
        """How long its local root took; without one, from the first start to the last end of its packed spans."""
        if self.held.root is not None:
            return self.held.root.seconds
        return took_nano(self.start_unix_nano, self.end_unix_nano, self.wall_at) / 1e9

    @property
    def started_at(self) -> float:
        """Unix time at which its local root started; without one the first of its packed spans, or when it was kept."""
        root = self.held.root
        start = root.start_unix_nano if root else self.start_unix_nano
        return start / 1e9 if start else self.wall_at


class KeptTraces:
    """All kept traces, within a number and a sum of bytes.

    When there are too many, the service that has the most makes room: samples go first, then slow ones, then failed
    ones, those that a finding cites last; among those of one kind the oldest of the endpoint that has the most.
    `on_evicted` is told each one. `traces` is to be read only.
    """

    def __init__(self, on_evicted: Callable[[KeptTrace], None]) -> None:
        self.bytes = 0
        self.traces: dict[bytes, KeptTrace] = {}
        self._queues: dict[Reason, dict[Endpoint, dict[int, KeptTrace]]] = {reason: {} for reason in Reason}
        self._per_service: Counter[str] = Counter()
        self._on_evicted = on_evicted

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.traces)

    def newest_first(self) -> list[KeptTrace]:
        """Return all traces, the last kept one first."""
        return [*reversed(self.traces.values())]

    def of_endpoint(self, reason: Reason, endpoint: Endpoint) -> Collection[KeptTrace]:
        """Return the traces of `endpoint` that are kept for `reason`, the oldest first."""
        return self._queues[reason].get(endpoint, {}).values()

    def add(self, trace: KeptTrace) -> None:
        """Keep `trace`, whose id no kept one has."""
        self.traces[trace.held.trace_id] = trace
        self.bytes += trace.bytes
        self._enqueue(trace)

    def remove(self, trace: KeptTrace) -> None:
        """Keep `trace` no longer."""
        del self.traces[trace.held.trace_id]
        self.bytes -= trace.bytes
        self._dequeue(trace)

    def requeue(self, trace: KeptTrace, reason: Reason, endpoint: Endpoint) -> None:
        """Keep `trace` for this reason and under this endpoint from now on, as the latest of them."""
        self._dequeue(trace)
        trace.reason, trace.endpoint = reason, endpoint
        self._enqueue(trace)

    def evict(self, max_traces: int, max_bytes: int) -> None:
        """Let traces go until the rest is within the limits."""
        while self.traces and (len(self.traces) > max_traces or self.bytes > max_bytes):
            trace = self._next_to_go()
            self.remove(trace)
            self._on_evicted(trace)

    def _next_to_go(self) -> KeptTrace:
        service = max(self._per_service, key=self._per_service.__getitem__)
        queues = ([*self._of_service(reason, service)] for reason in reversed(Reason))
        most = max(next(filter(None, queues)), key=len)
        return next(iter(most.values()))

    def _of_service(self, reason: Reason, service: str) -> Iterator[dict[int, KeptTrace]]:
        return (queue for endpoint, queue in self._queues[reason].items() if endpoint.service == service)

    def _enqueue(self, trace: KeptTrace) -> None:
        self._queues[trace.reason].setdefault(trace.endpoint, {})[trace.key] = trace
        self._per_service[trace.endpoint.service] += 1

    def _dequeue(self, trace: KeptTrace) -> None:
        queue = self._queues[trace.reason][trace.endpoint]
        del queue[trace.key]
        if not queue:
            del self._queues[trace.reason][trace.endpoint]
        self._per_service[trace.endpoint.service] -= 1
        if not self._per_service[trace.endpoint.service]:
            del self._per_service[trace.endpoint.service]
