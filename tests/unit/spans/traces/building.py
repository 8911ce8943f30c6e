"""Traces from the official messages, and a store that is fed as the pipeline does it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidecar.codec.otlp.json.traces import JsonSpanBatches, JsonTraces
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.redact import Redact
from sidecar.model.steps import finished
from sidecar.spans.observe import Observer
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.search import FullTrace, TraceQuery, TraceSummary, find, search
from sidecar.spans.traces.store import TraceStore
from tests.unit.codec.otlp_messages import json_of
from tests.unit.spans.conftest import attributes

START = 1_700_000_000
NANO = 10**9


def trace_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def span(trace: int = 1, number: int = 1, parent: int = 0, at: float = 0.0, seconds: float = 0.1, **more: Any) -> Span:
    """Return span `number` of trace `trace`; `at` is its start in seconds after START."""
    start = round((START + at) * NANO)
    return Span(
        trace_id=more.pop("trace_id", trace_id(trace)),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=more.pop("name", "GET /a"),
        kind=more.pop("kind", Span.SPAN_KIND_INTERNAL if parent else Span.SPAN_KIND_SERVER),
        start_time_unix_nano=start,
        end_time_unix_nano=start + round(seconds * NANO),
        attributes=attributes(more.pop("attributes", {})),
        events=[Span.Event(name=name, attributes=attributes(of)) for name, of in more.pop("events", [])],
        status=Status(
            code=Status.STATUS_CODE_ERROR if more.pop("failed", False) else Status.STATUS_CODE_UNSET,
            message=more.pop("message", ""),
        ),
        **more,
    )


def request(*spans: Span, service: str = "shop", resource: Mapping[str, Any] | None = None) -> bytes:
    """Return the body of a request with `spans` of one service."""
    of = Resource(attributes=attributes({"service.name": service, **(resource or {})}))
    one = ResourceSpans(resource=of, scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[one]).SerializeToString()


class Fed:
    """A store, the moment it is at, and a short way to ask it."""

    def __init__(self, redact: Redact = lambda key, value: value, **settings: Any) -> None:
        self.now = START + 1_000.0
        self.store = TraceStore(TracesConfig(**settings), redact)
        self._observer = Observer(frozenset({2, 3, 4, 5}), redact=redact)
        self._json = JsonTraces()

    def give(self, *spans: Span, service: str = "shop", as_json: bool = False) -> None:
        """Let `spans` arrive now."""
        if spans:
            self.give_body(request(*spans, service=service), as_json)

    def give_body(self, body: bytes, as_json: bool = False) -> None:
        batches: SpanBatches | JsonSpanBatches = SpanBatches(body, self.now)
        if as_json:
            text = json.dumps(json_of(ExportTraceServiceRequest.FromString(body))).encode()
            batches = finished(self._json.read(text, self.now))
            assert isinstance(batches, JsonSpanBatches)
        for batch in batches:
            for spans in self._observer.observe(batch):
                self.store.follow(spans)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        finished(self.store.advance(self.now))

    def summaries(self, **query: Any) -> Sequence[TraceSummary]:
        return finished(search(self.store, TraceQuery(**query), 1000, self.now)).traces

    def ids(self, **query: Any) -> list[int]:
        return [int(summary.trace_id, 16) for summary in self.summaries(**query)]

    def full(self, trace: int = 1) -> FullTrace:
        found = finished(find(self.store, trace_id(trace), self.now))
        assert found is not None
        return found

    def numbers(self, trace: int = 1) -> list[int]:
        """Return the numbers of the stored spans of a trace."""
        return sorted(int.from_bytes(span.span_id) for group in self.full(trace).groups for span in group.spans)

    def value(self, name: str, label: str = "") -> float:
        """Return a sample of the store's own metrics."""
        samples = [sample for family in self.store.samples(self.now) for sample in family.samples]
        (value,) = [
            sample.value for sample in samples if sample.name == name and (not label or sample.labels[0][1] == label)
        ]
        return value

    @property
    def counted(self) -> int:
        """How many spans are stored, wait, or were counted as not stored."""
        not_stored = sum(self.store.counts.not_stored.values())
        waiting = sum(trace.total for trace in self.store._undecided.traces.values())
        return not_stored + waiting + sum(trace.held.spans for trace in self.store.kept.traces.values())
