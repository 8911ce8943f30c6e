"""Trace requests in JSON as span batches: 1 us a span as SDKs write it, 50 us in the general way, by protobuf."""

from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from sidecar.codec.otlp.json.convert import Converter, check_density
from sidecar.codec.otlp.json.message import STEP_BYTES, size_of
from sidecar.codec.otlp.json.seen import Seen, SeenAttributes, SeenLists, UnusualError
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES, MOST_EVENTS
from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.span import SpanBatch, SpanGroup
from sidecar.model.steps import Steps

RUN_BYTES = 16 << 10
"""JSON of attributes, events and links that is converted at once: of the smallest that all differ 1,200, 4 ms."""
SPAN_BYTES = 128
"""What a span counts as besides."""
BATCH_PARTS = 6000
"""Attributes and events of a full batch, where a span itself counts as four: about 500 spans."""
SPAN_PARTS = 4
_OBJECT_BYTES = 500
"""What the objects of a span take around their texts."""
_NOTHING: "tuple[Sequence[bytes], Sequence[bytes], int]" = ((), (), 0)


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
    links: Sequence[bytes]
    status: bytes
    flags: int
    size: int


class JsonSpanBatches:
    """Spans that are converted already, in batches; nothing was left out of them."""

    def __init__(self, batches: Sequence[SpanBatch]) -> None:
        self.rejected = 0
        self.skipped = {"attributes": 0, "events": 0}
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
        self._attributes = SeenLists(seen("common.v1.KeyValue", 4, SeenAttributes), MOST_ATTRIBUTES).__getitem__
        self._event = seen("trace.v1.Span.Event", 4)
        self._link = seen("trace.v1.Span.Link", 4)
        self._status = seen("trace.v1.Status", 4)

    def read(self, body: bytes, received_at: float) -> Steps[SpanBatches | JsonSpanBatches]:
        """Return the spans of a request; raise MalformedInputError or TooLargeError.

        What is found wrong on the fast way is tried again on the general one, which repairs it or says what it is.
        """
        check_density(body)
        try:
            return (yield from self._usual(_decode(body), received_at))
        except (ValueError, RecursionError):
            return SpanBatches((yield from self._converter.protobuf_of(body)), received_at)

    def _usual(self, request: "_Request", received_at: float) -> Steps[JsonSpanBatches]:
        batches: list[SpanBatch] = []
        groups: list[SpanGroup] = []
        parts = 0
        for group in self._groups(request):
            yield
            groups.append(group)
            parts += SPAN_PARTS * (1 + len(group.spans))
            parts += sum([len(span.attributes) + len(span.events) for span in group.spans])
            if parts >= BATCH_PARTS:
                batches.append(SpanBatch(received_at, groups))
                groups, parts = [], 0
        if groups:
            batches.append(SpanBatch(received_at, groups))
        return JsonSpanBatches(batches)

    def _groups(self, request: "_Request") -> Iterator[SpanGroup]:
        """Yield the spans in groups of a run each; an empty one for a resource or scope without spans."""
        for of_resource in request.resource_spans:
            resource = self._resource(bytes(of_resource.resource))
            if not of_resource.scope_spans:
                yield SpanGroup(resource, b"", [], [])
            for of_scope in of_resource.scope_spans:
                scope = self._scope(bytes(of_scope.scope))
                for spans in self._runs(of_scope.spans) if of_scope.spans else [[]]:
                    yield SpanGroup(resource, scope, spans, spans)

    def _runs(self, spans: "Sequence[_Span]") -> Iterator[list[JsonSpan]]:
        run: list[JsonSpan] = []
        size = 0
        for span in spans:
            attributes = bytes(span.attributes)
            events, links, size_of_span = self._rare(span) if span.events or span.links else _NOTHING
            size_of_span += len(attributes) + SPAN_BYTES
            if size_of_span > STEP_BYTES:
                raise UnusualError
            run.append(
                JsonSpan(  # by position, which takes half the time
                    unhexlify(span.trace_id),
                    unhexlify(span.span_id),
                    unhexlify(span.parent_span_id),
                    span.trace_state.encode(),
                    span.name.encode(),
                    span.kind,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    self._attributes(attributes),
                    events,
                    links,
                    self._status(bytes(span.status)),
                    span.flags,
                    size_of_span + _OBJECT_BYTES + len(span.name) + len(span.trace_state),
                )
            )
            size += size_of_span
            if size > RUN_BYTES:
                yield run
                run, size = [], 0
        if run:
            yield run

    def _rare(self, span: "_Span") -> tuple[Sequence[bytes], Sequence[bytes], int]:
        """Return events and links, and how many bytes of JSON they are."""
        size = sum(map(size_of, (*span.events, *span.links)))
        if size > STEP_BYTES or len(span.events) > MOST_EVENTS:
            raise UnusualError
        return tuple(map(self._event, map(bytes, span.events))), tuple(map(self._link, map(bytes, span.links))), size


_Int32 = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]
_UInt32 = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
_Time = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""Until 2262; later ones, which are allowed, go the general way."""


class _Span(Struct, gc=False, rename="camel", forbid_unknown_fields=True):
    """What SDKs write of a span; one that says anything else goes the general way."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    trace_state: str = ""
    name: str = ""
    kind: _Int32 = 0
    start_time_unix_nano: _Time = 0
    end_time_unix_nano: _Time = 0
    attributes: Raw = Raw(b"[]")
    events: tuple[Raw, ...] = ()
    links: tuple[Raw, ...] = ()
    status: Raw = Raw(b"{}")
    flags: _UInt32 = 0
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
