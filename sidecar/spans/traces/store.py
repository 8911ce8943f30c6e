"""The trace store: spans in, decisions at the tail of each trace, and the kept traces."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from sidecar.codec.otlp.attributes import text_of
from sidecar.codec.peer.ids import trace_id_of
from sidecar.codec.peer.times import plausible_nano, took_nano
from sidecar.model.family import FamilySamples
from sidecar.model.redact import Redact
from sidecar.model.span_columns import Places, Source, SpanColumns
from sidecar.model.steps import Steps
from sidecar.redaction.long_text import beginning
from sidecar.spans.roots import are_local_roots
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.counts import Dropped, NotStored, Reason, TraceCounts
from sidecar.spans.traces.endpoint import Endpoints
from sidecar.spans.traces.held import HeldTrace, Limits, LocalRoot, size_of
from sidecar.spans.traces.kept import KeptTrace, KeptTraces
from sidecar.spans.traces.pack import PIECE_BYTES, Packer
from sidecar.spans.traces.recent import RecentGroup, RecentSpans
from sidecar.spans.traces.selection import Selection, is_sampled
from sidecar.spans.traces.undecided import DroppedTraces, UndecidedTraces

_DECISIONS = 200
"""Decisions taken in one step, half a millisecond; with a batch, besides two for each of its traces."""
_NAME_BYTES, _NAME_CHARACTERS = 512, 256
"""Of a root's name more is held until it is masked than is shown: what is secret at the cut must be known for it."""


class TraceStore:
    """Follows received spans and keeps the traces that are worth it; see `TracesConfig` for which and how many.

    Time is that of receipt, by the steady clock, of which `wall` makes Unix time. Spans are held as received; those of
    kept traces are packed in the steps of `advance`. Names of services, endpoints and traces are what `redact` returned
    when they came, the spans of a kept trace are masked by it whenever they are read.
    """

    def __init__(self, config: TracesConfig, redact: Redact, wall: Callable[[float], float] = float) -> None:
        self.wall = wall
        self.counts = TraceCounts()
        self.kept = KeptTraces(self._evicted)
        self.redact = redact
        self.packer = Packer(redact)
        self._config = config
        self._limits = Limits(config.max_spans_per_trace, config.max_bytes_per_trace)
        self._recent = RecentSpans()
        self._undecided = UndecidedTraces()
        self._dropped = DroppedTraces()
        self._selection = Selection()
        self._endpoints = Endpoints()
        self._unpacked: dict[bytes, KeptTrace] = {}
        self._look: Callable[[float], bool] = lambda now: False
        self._last_key = 0
        self._now = 0.0

    def configure(self, config: TracesConfig) -> None:
        """Take other settings; what is kept and over them goes."""
        self._config = config
        self._limits = Limits(config.max_spans_per_trace, config.max_bytes_per_trace)
        self._evict()

    def follow(self, spans: ObservedSpans) -> None:
        """Take note of `spans`; those that failed make their traces failed."""
        self._now = max(self._now, spans.received_at)
        has_more = self._look(self._now)
        before = len(self._undecided.traces)
        if len(spans.columns):
            numbers = self._take(spans.columns)
            self._note_roots(spans, numbers)
        for place in spans.failed_places:
            self._note_failure(spans.columns.trace_id(place))
        started = len(self._undecided.traces) - before
        if not has_more:
            self._settle(_DECISIONS + 2 * started, 2)
        self._make_room()

    def link_error_group(self, trace_id: bytes, group: str) -> None:
        """Note that an error of this trace belongs to the error group `group`; nothing if the trace is unknown."""
        trace = self._held(trace_id)
        if trace is not None:
            trace.add_error_group(group)

    def consult(self, look: Callable[[float], bool]) -> None:
        """Call `look` with the time before traces are decided on from now on: it may cite some of them.

        It says whether it has to be called once more, because it looks at some traces in one step.
        """
        self._look = look

    def cite(self, trace_id: bytes) -> bool:
        """Keep this trace as evidence until it is released as often; False if it is not here any more."""
        trace = self._held(trace_id)
        if trace is None:
            return False
        trace.cited += 1
        kept = self.kept.traces.get(trace_id)
        if kept is not None and kept.reason is not Reason.CITED:
            kept.otherwise = kept.reason
            self.kept.requeue(kept, Reason.CITED, kept.endpoint)
        return True

    def release(self, trace_id: bytes) -> None:
        """Take back that this trace is cited; nothing if it is not here any more."""
        trace = self._held(trace_id)
        if trace is None or not trace.cited:
            return
        trace.cited -= 1
        kept = self.kept.traces.get(trace_id)
        if kept is None or trace.cited:
            return
        if kept.otherwise is Reason.ERROR:
            self.kept.requeue(kept, Reason.ERROR, kept.endpoint)
        else:
            self._demote(kept)

    def advance(self, now: float) -> Steps[None]:
        """Decide on what is due at Unix time `now`, and pack what is kept, in steps of at most about 3 ms."""
        self._now = max(self._now, now)
        while self._look(self._now):
            yield
        while self._settle(_DECISIONS, 1):
            yield
        while self._unpacked:
            self._pack_some()
            yield

    @contextmanager
    def reading(self, trace: KeptTrace) -> Iterator[None]:
        """Let `trace` go if reading it meets an error of our own: else each search would meet it again."""
        try:
            yield
        except Exception:
            if self.kept.traces.get(trace.held.trace_id) is trace:
                self.kept.remove(trace)
                self._forget(trace, Dropped.UNREADABLE)
            raise

    def samples(self, now: float) -> Iterator[FamilySamples]:
        """Yield the store's own metrics; `now` does not matter."""
        yield from self.counts.samples(
            {"kept": len(self.kept.traces), "undecided": len(self._undecided.traces)},
            {"kept": self.kept.bytes, "undecided": self._recent.bytes + self._undecided.bytes},
        )

    def _take(self, columns: SpanColumns) -> Places:
        """Hold the spans, and return the number of each among the recent ones."""
        order, traces = columns.by_trace()
        first, group = self._recent.next_number, self._recent.add(columns, order, self._now)
        undecided = self._undecided.traces.get
        for trace_id, begin, count in traces:
            trace = undecided(trace_id) or self._admit(trace_id, group)
            if trace is not None and not trace.straggles:
                trace.note_recent(first + begin, count)
                continue
            for source, some in group.parts(range(begin, begin + count)):
                self._take_late(trace_id, source, some)
        numbers = np.empty_like(order)
        numbers[order] = np.arange(first, first + len(order))
        return numbers

    def _note_roots(self, spans: ObservedSpans, numbers: Places) -> None:
        columns = spans.columns
        places = are_local_roots(columns.parent_id, columns.flags, columns.kind).nonzero()[0]
        trace_ids = columns.trace_ids(places)
        for trace_id, number, root in zip(trace_ids, numbers[places].tolist(), self._roots(spans, places), strict=True):
            trace = self._undecided.traces.get(trace_id)
            if trace is None:
                self._rename(trace_id, root)
                continue
            if trace.root is None:
                self._undecided.root_arrived(trace, self._now)
            trace.note_root(root, -1 if trace.straggles else number)

    def _roots(self, spans: ObservedSpans, places: Places) -> Iterator[LocalRoot]:
        """Yield the local roots at `places`."""
        columns, wall = spans.columns, self.wall(self._now)
        names = [name[: _NAME_BYTES + 1] for name in columns.names(places)]
        endpoints = self._endpoints.of(spans, places, self._now)
        has_parent = (columns.parent_id[places] != 0).tolist()
        span_ids = columns.span_id[places].byteswap().tolist()
        starts, ends = columns.start_nano[places].tolist(), columns.end_nano[places].tolist()
        for parent, start, span_id, end, name, endpoint in zip(
            has_parent, starts, span_ids, ends, names, endpoints, strict=True
        ):
            began = plausible_nano(wall, start)
            yield LocalRoot(parent, began, span_id, took_nano(start, end, wall), name, endpoint)

    def _admit(self, trace_id: bytes, group: RecentGroup) -> HeldTrace | None:
        """Return a new trace that starts in `group`; None if this one was decided on, or has no id."""
        if trace_id in self.kept.traces or trace_id in self._dropped or not trace_id_of(trace_id):
            return None
        trace = HeldTrace(trace_id, self._now)
        self._undecided.add(trace)
        group.started.append(trace)
        return trace

    def _take_late(self, trace_id: bytes, source: Source, spans: Sequence[bytes]) -> None:
        """Take more spans of a straggler or of a trace that is kept; count those of others."""
        straggler = self._undecided.traces.get(trace_id)
        kept = self.kept.traces.get(trace_id)
        if straggler is not None:
            self._undecided.bytes += straggler.add(source, spans, size_of(spans), self._limits)
        elif kept is not None:
            missing = kept.held.missing
            self.kept.bytes += kept.held.add(source, spans, size_of(spans), self._limits)
            self.counts.not_stored[NotStored.TRACE_LIMIT] += kept.held.missing - missing
            if kept.held.parts:
                self._unpacked[trace_id] = kept
            self._evict()
        else:
            why = NotStored.LATE if trace_id_of(trace_id) else NotStored.NO_TRACE_ID
            self.counts.not_stored[why] += len(spans)

    def _rename(self, trace_id: bytes, root: LocalRoot) -> None:
        """Put a kept trace under the endpoint of its local root, which came late."""
        trace = self.kept.traces.get(trace_id)
        if trace is None:
            return
        trace.held.note_root(root)
        if trace.held.root is root:
            self.kept.requeue(trace, trace.reason, trace.held.endpoint)
            self._name(trace)

    def _held(self, trace_id: bytes) -> HeldTrace | None:
        trace = self._undecided.traces.get(trace_id)
        if trace is None:
            kept = self.kept.traces.get(trace_id)
            return kept.held if kept is not None else None
        return trace

    def _note_failure(self, trace_id: bytes) -> None:
        trace = self._held(trace_id)
        if trace is not None:
            trace.failures += 1

    def _settle(self, most_traces: int, most_groups: int) -> bool:
        """Decide on traces whose time has come, then let old spans go; return whether there may be more to do."""
        for _ in range(most_traces):
            trace = self._undecided.next_due(self._config, self._now)
            if trace is None:
                return all(self._let_old_go() for _ in range(most_groups))
            self._decide(trace)
        return True

    def _let_old_go(self) -> bool:
        """Let the oldest recent spans go if it is time, those of undecided traces to these; return whether it was."""
        came_at = self._recent.oldest_came_at()
        if came_at is None or self._now - came_at < self._config.decide_after_seconds:
            return False
        for trace in self._recent.started_in_oldest():
            if not trace.decided:
                self._straggle(trace)
        self._recent.let_oldest_go()
        return True

    def _make_room(self) -> None:
        """Decide early on the oldest traces: while there is no room, first on those whose local root is there."""
        most = self._config.max_undecided_bytes
        while self._recent.bytes + self._undecided.bytes > most:
            if self._undecided.stragglers and self._recent.bytes * 2 < most:
                self._decide_early(self._undecided.oldest_straggler())
                continue
            for trace in self._recent.started_in_oldest():
                if not trace.decided and trace.root is None:
                    self._straggle(trace)
                elif not trace.decided:
                    self._decide_early(trace)
            self._recent.let_oldest_go()

    def _straggle(self, trace: HeldTrace) -> None:
        self._undecided.bytes += self._recent.hand_over(trace, self._limits)
        self._undecided.straggle(trace)

    def _decide_early(self, trace: HeldTrace) -> None:
        self.counts.decided_early += 1
        self._decide(trace)

    def _decide(self, trace: HeldTrace) -> None:
        self._undecided.remove(trace)
        verdict = self._selection.verdict(trace, self.kept, self._config, self._now)
        if isinstance(verdict.outcome, Dropped) and not trace.cited:
            self._drop(trace, verdict.outcome)
            return
        self._recent.hand_over(trace, self._limits)
        if not trace.spans:
            self._drop(trace, Dropped.TOO_LARGE)
            return
        if verdict.instead_of is not None:
            self._demote(verdict.instead_of)
        self._keep(trace, None if isinstance(verdict.outcome, Dropped) else verdict.outcome)

    def _drop(self, trace: HeldTrace, why: Dropped) -> None:
        self.counts.dropped[why] += 1
        self.counts.not_stored[NotStored.TRACE_DROPPED] += trace.total
        trace.forget_numbers()
        self._dropped.add(trace.trace_id)

    def _keep(self, held: HeldTrace, otherwise: Reason | None) -> None:
        """Keep `held`, as evidence if it is cited, and `otherwise` for another reason."""
        reason = Reason.CITED if held.cited or otherwise is None else otherwise
        self.counts.kept[reason] += 1
        self.counts.not_stored[NotStored.TRACE_LIMIT] += held.missing
        self._last_key += 1
        trace = KeptTrace(self._last_key, held, reason, self._now, self.wall(self._now))
        trace.otherwise = otherwise
        self._name(trace)
        self.kept.add(trace)
        self._unpacked[held.trace_id] = trace
        self._evict()

    def _name(self, trace: KeptTrace) -> None:
        root = trace.held.root
        if root is not None:
            trace.root_seconds = root.seconds
            name = self.redact("span.name", beginning(text_of(root.name), _NAME_BYTES))
            trace.name = str(name)[:_NAME_CHARACTERS]

    def _demote(self, trace: KeptTrace) -> None:
        """Keep a trace that is no longer cited or among the slowest as a sample, if it is one; else let it go."""
        if is_sampled(trace.held.trace_id, self._config.sample_ratio):
            self.kept.requeue(trace, Reason.SAMPLE, trace.endpoint)
        else:
            self.kept.remove(trace)
            self._forget(trace, Dropped.OUTPACED)

    def _evict(self) -> None:
        self.kept.evict(self._config.max_traces, self._config.max_bytes)

    def _evicted(self, trace: KeptTrace) -> None:
        self._forget(trace, Dropped.EVICTED)

    def _forget(self, trace: KeptTrace, why: Dropped) -> None:
        self.counts.dropped[why] += 1
        self._unpacked.pop(trace.held.trace_id, None)
        self._dropped.add(trace.held.trace_id)

    def _pack_some(self) -> None:
        """Pack of the traces that wait for it as many as are the work of a step."""
        room = PIECE_BYTES
        while self._unpacked and room > 0:
            trace = next(iter(self._unpacked.values()))
            before = trace.bytes
            room -= self.packer.pack_some(trace)
            self.kept.bytes += trace.bytes - before
            if not trace.held.parts:
                del self._unpacked[trace.held.trace_id]
        self._evict()
