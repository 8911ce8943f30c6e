"""A naive sidecar: everything that spans become, one span at a time, in dictionaries.

It is the specification of the span pipeline that can be run. What is pure and about one span alone, its shape, the
statement without values, the group of an exception, what is masked, is the product's own and has tests of its own;
what many spans become together is said here once more, slowly.
"""

from collections.abc import Iterator
from typing import Protocol

from tests.reference.spans.endpoints import Endpoints
from tests.reference.spans.errors import Errors
from tests.reference.spans.judging import Judging
from tests.reference.spans.kept_traces import Held, KeptTraces
from tests.reference.spans.queries import Queries, Repetition
from tests.reference.spans.red import METRICS, Durations, Latency, Quantiles, dependency_of, endpoint_of
from tests.reference.spans.rules import Rules
from tests.reference.spans.sent import Sent, sent_in
from tests.reference.spans.series import Labels, Samples
from tests.reference.spans.service_graph import ServiceGraph
from tests.reference.spans.trace import Trace


class Source(Protocol):
    """A part that shows something on /metrics."""

    def samples(self) -> Iterator[tuple[tuple[str, Labels], float]]:
        """Yield its samples."""
        ...


class Reference:
    """Takes bodies of requests, and the time; says what they became. `rules` are those that hold."""

    def __init__(self, rules: Rules, started_at: float) -> None:
        self.errors = Errors()
        self.queries = Queries()
        self.traces = KeptTraces(rules)
        self.graph = ServiceGraph()
        self._judging = Judging()
        self._endpoints = Endpoints(started_at)
        self._durations = [Durations(metric) for metric in METRICS]
        self._latencies = [
            Latency("sidecar_endpoint_latency_seconds", endpoint_of),
            Latency("sidecar_dependency_latency_seconds", dependency_of),
        ]
        self.cited: dict[Repetition, bytes] = {}
        """The trace that each finding cites."""

    def receive(self, body: bytes, now: float) -> None:
        """Take the protobuf body of a request at Unix time `now`."""
        spans = list(sent_in(body, now))
        for sent in spans:
            self.traces.add(sent)
            self._count(sent)
            if sent.trace_id:
                self._judging.add(sent)
        self._endpoints.add([sent for sent in spans if sent.is_counted])
        self._judge([Trace([sent]) for sent in spans if not sent.trace_id], now)

    def tick(self, now: float) -> None:
        """Judge what is due at Unix time `now`, and decide on traces."""
        self._look(now)
        self.traces.decide(now, self._cites)

    def samples(self, now: float) -> Samples:
        """Return what /metrics shows at Unix time `now`, besides percentiles."""
        self._look(now)
        self.graph.expire(now)
        sources: list[Source] = [*self._durations, *self._latencies, self.errors, self.queries, self.traces, self.graph]
        samples = [sample for source in sources for sample in source.samples()]
        return {**dict(samples), **dict(self._endpoints.samples(now))}

    def buckets(self) -> Iterator[tuple[tuple[str, Labels], list[Sent]]]:
        """Yield the spans of each bucket of a histogram."""
        for durations in self._durations:
            yield from durations.buckets()

    def quantiles(self, now: float) -> Iterator[tuple[tuple[str, Labels], Quantiles]]:
        """Yield the percentiles on /metrics at Unix time `now`."""
        for latency in self._latencies:
            yield from latency.quantiles(now)

    def _look(self, now: float) -> None:
        self._judge([*self._judging.due(now)], now)

    def _judge(self, traces: list[Trace], now: float) -> None:
        """Take note of what only whole traces say."""
        self.errors.add(traces)
        for trace in traces:
            self._endpoints.judge(trace)
            self.queries.add(trace, now)
            self.graph.judge(trace, now)

    def _count(self, sent: Sent) -> None:
        if sent.is_counted:
            for durations in self._durations:
                durations.add(sent)
            for latency in self._latencies:
                latency.add(sent)

    def _cites(self, held: Held) -> bool:
        """Return whether a finding cites a trace: each cites the first one in which it was seen."""
        of_trace = Queries()
        of_trace.add(held.trace, held.first_at)
        for repetition in of_trace.findings():
            self.cited.setdefault(repetition, held.trace_id)
        return held.trace_id in self.cited.values()
