"""Looking at the calls of each request for queries that are repeated."""

from collections.abc import Iterator, Sequence

import numpy as np

from sidecar.codec.otlp.attributes import text_of
from sidecar.codec.peer.ids import NO_ID, span_id_of
from sidecar.derive.limits import Budget
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.span import SpanKind
from sidecar.redaction.telemetry import LABEL_LENGTH
from sidecar.spans.calls import NO_ROUTE
from sidecar.spans.config import SpansConfig
from sidecar.spans.counted import CountedSeries
from sidecar.spans.per_shape import PerShape
from sidecar.spans.queries.finder import DatabaseCalls
from sidecar.spans.queries.findings import Kind, Repeated
from sidecar.spans.queries.memory import QueryMemory
from sidecar.spans.queries.pending import PendingTraces
from sidecar.spans.queries.query import Query
from sidecar.spans.queries.trace import Ancestry, Root, Trace
from sidecar.spans.roots import is_local_root
from sidecar.spans.shape import ObservedSpans, SpanShape

_CALLERS = frozenset({SpanKind.UNSPECIFIED, SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CONSUMER})
"""Kinds of spans that calls are made by; those of other instrumentations' calls are found among the calls."""
_WORK = 3000
"""Calls and traces that are looked at in one step, 2 ms; the others wait."""
_WORK_PER_TRACE = 5
_NAME_BYTES = 2 * LABEL_LENGTH
"""Of a name more is held until it is masked than is shown: what is secret at the cut must be known for it."""
_ROUTES_PER_SERVICE = 20

Times = Sequence[tuple[int, float]]
"""When calls began, in nanoseconds, and how many seconds they took."""

NPLUSONE = Family(
    "sidecar_nplusone_total",
    MetricType.COUNTER,
    "Requests that asked one query again and again, one call after the other.",
    ("service", "route"),
)
DROPPED = Family(
    "sidecar_nplusone_spans_dropped_total",
    MetricType.COUNTER,
    "Spans that were not looked at for repeated queries: no request came for them, or there was no room.",
    ("reason",),
)
EARLY = Family(
    "sidecar_nplusone_early_traces_total",
    MetricType.COUNTER,
    "Requests looked at for repeated queries before the grace was over, to make room.",
)


class NPlusOne:
    """Finds in each request the spans that repeat a query; what it finds is kept in the memory of queries.

    Calls are looked at that lead up to a root. The others wait for another root, up to a minute; after that they are
    taken for calls of a root of their service in this trace, and dropped if there is none.
    """

    def __init__(self, config: SpansConfig, budget: Budget, memory: QueryMemory) -> None:
        self._memory = memory
        self._pending = PendingTraces()
        limits = config.limits(samples_per_series=1)._replace(series_per_service=_ROUTES_PER_SERVICE)
        self._counts = CountedSeries(NPLUSONE, limits, budget)
        self._is_caller = PerShape(lambda shape: shape.kind in _CALLERS, np.bool_)
        memory.look = self.look

    def feed(self, spans: ObservedSpans, calls: DatabaseCalls) -> None:
        """Take note of a batch and of the calls in it, and look at what is due."""
        now = spans.received_at
        seconds = spans.durations_seconds[calls.places].tolist()
        self._pending.add_calls(calls.spans, calls.queries, seconds, now)
        self._add_callers(spans)
        self.look(now)

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Look at what is due at Unix time `now`, and yield the counts."""
        self.look(now)
        yield from self._counts.samples(now)
        dropped = self._pending.dropped.items()
        yield FamilySamples(DROPPED, [Sample(DROPPED.name, (("reason", reason),), count) for reason, count in dropped])
        yield FamilySamples(EARLY, [Sample(EARLY.name, (), self._pending.early)])

    def _add_callers(self, spans: ObservedSpans) -> None:
        add, now = self._pending.add_caller, spans.received_at
        received_parent, parent_id = b"", NO_ID
        for origin, span in spans.others:
            parent = span.parent_span_id
            if parent != received_parent:  # spans of a caller mostly come together
                received_parent, parent_id = parent, span_id_of(parent)
            name = span.name[:_NAME_BYTES]
            root = Root(origin.service, text_of(name)) if is_local_root(span, parent_id) else None
            add(span, parent_id, name, root, now)
        places = self._is_caller.of(spans)[spans.indexes].nonzero()[0]
        for place, index in zip(places.tolist(), spans.indexes[places].tolist(), strict=True):
            shape, span = spans.shapes[index], spans.spans[place]
            parent_id = span_id_of(span.parent_span_id)
            root = Root(shape.service, _route_of(shape)) if is_local_root(span, parent_id) else None
            add(span, parent_id, shape.name, root, now)

    def look(self, now: float) -> None:
        """Look at some of what is due at Unix time `now`."""
        config = self._memory.config.n_plus_one
        work = 0
        for trace, is_over in self._pending.due(now, config.grace_seconds, config.max_pending_spans):
            work += _WORK_PER_TRACE + trace.number_of_calls
            left = self._look_at(trace, is_over, now)
            no_room = self._pending.size > config.max_pending_spans
            self._pending.settle(trace, left, ("no_room" if no_room else "no_root") if is_over else None)
            if work > _WORK:
                return

    def _look_at(self, trace: Trace, is_over: bool, now: float) -> set[bytes]:
        """Judge the calls of `trace` that have a root; return who made the others."""
        config = self._memory.config.n_plus_one
        ancestry = Ancestry(trace)
        roots: dict[bytes, Root | None] = {}
        for (caller_id, query), count in trace.repetitions().items():
            if caller_id not in roots:
                roots[caller_id] = self._root_of(ancestry, caller_id, query.service if is_over else None)
            if root := roots[caller_id]:
                query.called_for(root.route, count)
                if count >= (config.min_calls_cache if query.is_cache else config.min_calls):
                    times, caller = trace.times_of(caller_id, query), ancestry.name_of(caller_id)
                    self._judge(root, caller, query, times, trace.trace_id, now)
        return {caller_id for caller_id, root in roots.items() if root is None}

    def _root_of(self, ancestry: Ancestry, caller_id: bytes, or_of_service: str | None) -> Root | None:
        root = ancestry.root_of(caller_id) or (ancestry.any_root(or_of_service) if or_of_service else None)
        return root and Root(root.service, self._memory.shown(root.route))

    def _judge(self, root: Root, caller: str, query: Query, times: Times, trace_id: bytes, now: float) -> None:
        seconds = round(sum(took for _, took in times), 9)
        if seconds < self._memory.config.n_plus_one.min_seconds:
            return
        kind, caller = _kind_of(times), self._memory.shown(caller)
        self._memory.findings.add(Repeated(kind, *root, caller, query, len(times), seconds, trace_id.hex()), now)
        if kind is Kind.N_PLUS_ONE:
            self._counts.add(root.service, {"route": root.route}, 1.0, now)


def _route_of(shape: SpanShape) -> str:
    return shape.name if shape.route == NO_ROUTE else f"{shape.method} {shape.route}".strip()


def _kind_of(times: Times) -> Kind:
    latest = overlapping = 0
    for start, seconds in sorted(times):
        overlapping += start < latest
        latest = max(latest, start + round(seconds * 1e9))  # exact: as floats, Unix times are 256 ns apart
    return Kind.FAN_OUT if 2 * overlapping >= len(times) else Kind.N_PLUS_ONE
