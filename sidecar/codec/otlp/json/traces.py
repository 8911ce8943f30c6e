"""Trace requests in JSON as span batches: 2 us a span as SDKs write it, 50 us in the general way, by protobuf."""

import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from sidecar.codec.otlp.json.convert import Converter, check_density
from sidecar.codec.otlp.json.seen import Seen, SeenAttributes
from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import MOST_ATTRIBUTES, MOST_EVENTS, SpanBatches
from sidecar.model.span import SpanBatch, SpanGroup
from sidecar.model.steps import Steps, slices

RUN_SPANS = 50
"""Spans that are converted at once, about 0.1 ms."""
BATCH_PARTS = 6000
"""Attributes and events of a full batch, where a span itself counts as four: about 500 spans, 1 ms of converting."""
SPAN_PARTS = 4

_check_ranges = struct.Struct("<iQQI").pack


class JsonSpan(Struct, gc=False):
    """A span from JSON as the stages read it: texts as UTF-8, nested messages in protobuf's wire form."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    trace_state: bytes
    name: bytes
    kind: int
    start_time_unix_nano: int
    end_time_unix_nano: int
    attributes: Sequence[bytes]
    events: Sequence[bytes]
    status: bytes
    flags: int


class JsonSpanBatches:
    """Spans that are converted already, in batches; `skipped` counts as that of SpanBatches does."""

    def __init__(self, batches: Sequence[SpanBatch], skipped: Mapping[str, int]) -> None:
        self.rejected = 0
        self.skipped = skipped
        self._batches = batches

    def __iter__(self) -> Iterator[SpanBatch]:
        """Yield the spans in batches."""
        return iter(self._batches)


class JsonTraces:
    """Reads trace requests; remembers the attributes that come again and again."""

    def __init__(self) -> None:
        self._converter = Converter(TRACES)
        types = self._converter.types

        def seen(name: str, level: int, kind: type[Seen] = Seen) -> Callable[[bytes], bytes]:
            return kind(types[f"opentelemetry.proto.{name}"], level).__getitem__

        self._resource = seen("resource.v1.Resource", 2)
        self._scope = seen("common.v1.InstrumentationScope", 3)
        self._attribute = seen("common.v1.KeyValue", 4, SeenAttributes)
        self._event = seen("trace.v1.Span.Event", 4)
        self._status = seen("trace.v1.Status", 4)

    def read(self, body: bytes, received_at: float) -> Steps[SpanBatches | JsonSpanBatches]:
        """Return the spans of a request; raise MalformedInputError or TooLargeError.

        What is found wrong on the fast way is tried again on the general one, which repairs it or says what it is.
        """
        check_density(body)
        try:
            return (yield from self._usual(_decode(body), received_at))
        except (ValueError, struct.error, RecursionError):
            return SpanBatches((yield from self._converter.protobuf_of(body)), received_at)

    def _usual(self, request: "_Request", received_at: float) -> Steps[JsonSpanBatches]:
        skipped = {"attributes": 0, "events": 0}
        batches: list[SpanBatch] = []
        groups: list[SpanGroup] = []
        parts = 0
        for group in self._groups(request, skipped):
            groups.append(group)
            parts += SPAN_PARTS * (1 + len(group.spans))
            parts += sum([len(span.attributes) + len(span.events) for span in group.spans])
            if parts >= BATCH_PARTS:
                batches.append(SpanBatch(received_at, groups))
                groups, parts = [], 0
                yield
        if groups:
            batches.append(SpanBatch(received_at, groups))
        return JsonSpanBatches(batches, skipped)

    def _groups(self, request: "_Request", skipped: dict[str, int]) -> Iterator[SpanGroup]:
        """Yield the spans in groups of at most RUN_SPANS; an empty one for a resource or scope without spans."""
        for of_resource in request.resource_spans:
            resource = self._resource(bytes(of_resource.resource))
            if not of_resource.scope_spans:
                yield SpanGroup(resource, b"", [])
            for of_scope in of_resource.scope_spans:
                scope = self._scope(bytes(of_scope.scope))
                for run in slices(of_scope.spans, RUN_SPANS) if of_scope.spans else [[]]:
                    yield SpanGroup(resource, scope, [self._span(span, skipped) for span in run])

    def _span(self, span: "_Span", skipped: dict[str, int]) -> JsonSpan:
        _check_ranges(span.kind, span.start_time_unix_nano, span.end_time_unix_nano, span.flags)
        attributes, events = span.attributes, span.events
        if len(attributes) > MOST_ATTRIBUTES:
            skipped["attributes"] += len(attributes) - MOST_ATTRIBUTES
            del attributes[MOST_ATTRIBUTES:]
        if len(events) > MOST_EVENTS:
            skipped["events"] += len(events) - MOST_EVENTS
            del events[MOST_EVENTS:]
        return JsonSpan(
            trace_id=unhexlify(span.trace_id),
            span_id=unhexlify(span.span_id),
            parent_span_id=unhexlify(span.parent_span_id),
            trace_state=span.trace_state.encode(),
            name=span.name.encode(),
            kind=span.kind,
            start_time_unix_nano=span.start_time_unix_nano,
            end_time_unix_nano=span.end_time_unix_nano,
            attributes=[*map(self._attribute, map(bytes, attributes))],
            events=[*map(self._event, map(bytes, events))] if events else (),
            status=self._status(bytes(span.status)),
            flags=span.flags,
        )


class _Span(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """What SDKs write of a span; one that says anything else goes the general way."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    trace_state: str = ""
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: list[Raw] = []
    events: list[Raw] = []
    links: list[Raw] = []
    status: Raw = Raw(b"{}")
    flags: int = 0
    dropped_attributes_count: int = 0
    dropped_events_count: int = 0
    dropped_links_count: int = 0


class _ScopeSpans(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    scope: Raw = Raw(b"{}")
    spans: list[_Span] = []
    schema_url: str = ""


class _ResourceSpans(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    resource: Raw = Raw(b"{}")
    scope_spans: list[_ScopeSpans] = []
    schema_url: str = ""


class _Request(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    resource_spans: list[_ResourceSpans] = []


_decode = msgspec.json.Decoder(_Request, strict=False).decode
