"""Trace requests in JSON as span batches: 2 us a span as SDKs write it, 50 us in the general way, by protobuf."""

import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from sidecar.codec.otlp.json.convert import Converter, check_density
from sidecar.codec.otlp.json.message import STEP_BYTES, size_of
from sidecar.codec.otlp.json.seen import Seen, SeenAttributes, SeenLists, UnusualError
from sidecar.codec.otlp.parsed import ParsedSpans
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES, MOST_EVENTS
from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.codec.otlp.wire import delimited, varint
from sidecar.model.span import SpanBatch, SpanGroup
from sidecar.model.steps import Steps

RUN_BYTES = 16 << 10
"""JSON of attributes, events and links that is converted at once: of the smallest that all differ 1,200, 4 ms."""
SPAN_BYTES = 128
"""What a span counts as besides."""
BATCH_PARTS = 6000
"""Attributes and events of a full batch, where a span itself counts as four: about 500 spans."""
SPAN_PARTS = 4
_ATTRIBUTES, _EVENTS, _LINKS = b"\x4a", b"\x5a", b"\x6a"
"""Tags of fields of Span."""
_64_BITS = (1 << 64) - 1
_times = struct.Struct("<BQBQ").pack
_flags = struct.Struct("<BBI").pack
"""Fields of numbers, each after its tag."""


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
        self._attributes = SeenLists(
            _ATTRIBUTES, seen("common.v1.KeyValue", 4, SeenAttributes), MOST_ATTRIBUTES
        ).__getitem__
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
        for group, more in self._groups(request):
            yield
            groups.append(group)
            parts += SPAN_PARTS * (1 + len(group.spans)) + more
            if parts >= BATCH_PARTS:
                batches.append(SpanBatch(received_at, groups))
                groups, parts = [], 0
        if groups:
            batches.append(SpanBatch(received_at, groups))
        return JsonSpanBatches(batches)

    def _groups(self, request: "_Request") -> Iterator[tuple[SpanGroup, int]]:
        """Yield the spans in groups of a run each, and how many attributes and events these have.

        For a resource or scope without spans there is an empty one.
        """
        for of_resource in request.resource_spans:
            resource = self._resource(bytes(of_resource.resource))
            if not of_resource.scope_spans:
                yield SpanGroup(resource, b"", [], []), 0
            for of_scope in of_resource.scope_spans:
                scope = self._scope(bytes(of_scope.scope))
                for raw, parts in self._runs(of_scope.spans) if of_scope.spans else [([], 0)]:
                    yield SpanGroup(resource, scope, ParsedSpans(raw), raw), parts

    def _runs(self, spans: "Sequence[_Span]") -> Iterator[tuple[list[bytes], int]]:
        """Yield spans in wire form, and how many attributes and events they have."""
        run: list[bytes] = []
        size = parts = 0
        for span in spans:
            json = bytes(span.attributes)
            size_of_span = len(json) + SPAN_BYTES
            rare = b""
            if span.events or span.links:
                rare, size_of_rare = self._rare(span)
                size_of_span += size_of_rare
            if size_of_span > STEP_BYTES:
                raise UnusualError
            attributes = self._attributes(json)
            status = self._status(bytes(span.status))
            run.append(
                b"".join(
                    (
                        _field(b"\x0a", unhexlify(span.trace_id)),
                        _field(b"\x12", unhexlify(span.span_id)),
                        _field(b"\x1a", span.trace_state.encode()),
                        _field(b"\x22", unhexlify(span.parent_span_id)),
                        _field(b"\x2a", span.name.encode()),
                        b"\x30" + varint(span.kind & _64_BITS) if span.kind else b"",
                        _times(0x39, span.start_time_unix_nano, 0x41, span.end_time_unix_nano),
                        attributes.content,
                        rare,
                        _field(b"\x7a", status),
                        _flags(0x85, 0x01, span.flags) if span.flags else b"",
                    )
                )
            )
            size += size_of_span
            parts += attributes.messages + len(span.events)
            if size > RUN_BYTES:
                yield run, parts
                run, size, parts = [], 0, 0
        if run:
            yield run, parts

    def _rare(self, span: "_Span") -> tuple[bytes, int]:
        """Return events and links in wire form, and how many bytes of JSON they are."""
        size = sum(map(size_of, (*span.events, *span.links)))
        if size > STEP_BYTES or len(span.events) > MOST_EVENTS:
            raise UnusualError
        events = [delimited(_EVENTS, self._event(bytes(event))) for event in span.events]
        links = [delimited(_LINKS, self._link(bytes(link))) for link in span.links]
        return b"".join((*events, *links)), size


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content if content else b""


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
