"""Trace requests in JSON as span batches: 4 us a span as SDKs write it, 50 us in the general way, by protobuf."""

import struct
from binascii import unhexlify
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct

from sidecar.codec.otlp.json.convert import Converter, check_density
from sidecar.codec.otlp.json.seen import Seen, SeenAttributes, UnusualError, Work
from sidecar.codec.otlp.runs import MOST_ATTRIBUTES, MOST_EVENTS
from sidecar.codec.otlp.signal import TRACES
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.codec.otlp.wire import delimited, varint
from sidecar.model.span import SpanBatch, SpanGroup
from sidecar.model.steps import Steps

STEP_WORK_BYTES = 16 << 10
"""JSON that is converted in a step, of attributes, events and links: of the smallest that all differ 1,200, 4 ms."""
SPAN_BYTES, ATTRIBUTE_BYTES = 128, 16
"""What a span counts as besides, and an attribute that is known."""
BATCH_PARTS = 6000
"""Attributes and events of a full batch, where a span itself counts as four: about 500 spans."""
SPAN_PARTS = 4
_ATTRIBUTES, _EVENTS, _LINKS, _STATUS = b"\x4a", b"\x5a", b"\x6a", b"\x7a"
"""Tags of fields of Span."""
_64_BITS = (1 << 64) - 1
_times = struct.Struct("<BQBQ").pack
_flags = struct.Struct("<BBI").pack
"""Fields of numbers, each after its tag."""


_Convert: TypeAlias = Callable[[bytes], bytes]


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

        self._work = Work()

        def seen(name: str, level: int, frame: Callable[[bytes], bytes] = bytes, kind: type[Seen] = Seen) -> _Convert:
            return kind(types[f"opentelemetry.proto.{name}"], level, self._work, frame).__getitem__

        self._resource = seen("resource.v1.Resource", 2)
        self._scope = seen("common.v1.InstrumentationScope", 3)
        self._attribute = seen("common.v1.KeyValue", 4, partial(delimited, _ATTRIBUTES), SeenAttributes)
        self._event = seen("trace.v1.Span.Event", 4, partial(delimited, _EVENTS))
        self._link = seen("trace.v1.Span.Link", 4, partial(delimited, _LINKS))
        self._status = seen("trace.v1.Status", 4, partial(_field, _STATUS))

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
        for found in self._groups(request):
            yield
            self._work.bytes = 0
            if found is None:
                continue
            group, more = found
            groups.append(group)
            parts += SPAN_PARTS + more
            if parts >= BATCH_PARTS:
                batches.append(SpanBatch(received_at, groups))
                groups, parts = [], 0
        if groups:
            batches.append(SpanBatch(received_at, groups))
        return JsonSpanBatches(batches)

    def _groups(self, request: "_Request") -> Iterator[tuple[SpanGroup, int] | None]:
        """Yield the spans in groups, and how many parts these have; None between them after a step's work.

        For a resource or scope without spans there is an empty one.
        """
        self._work.bytes = 0
        for of_resource in request.resource_spans:
            resource = self._resource(bytes(of_resource.resource))
            if not of_resource.scope_spans:
                yield SpanGroup(resource, b"", []), 0
            for of_scope in of_resource.scope_spans:
                scope = self._scope(bytes(of_scope.scope))
                for found in self._runs(of_scope.spans) if of_scope.spans else [([], 0)]:
                    yield found and (SpanGroup(resource, scope, found[0]), found[1])

    def _runs(self, spans: "Sequence[_Span]") -> Iterator[tuple[list[bytes], int] | None]:
        """Yield spans in wire form, and how many parts they have; None after a step's work."""
        run: list[bytes] = []
        parts = 0
        for span in spans:
            if len(span.attributes) > MOST_ATTRIBUTES or len(span.events) > MOST_EVENTS:
                raise UnusualError
            self._work.add(SPAN_BYTES + ATTRIBUTE_BYTES * len(span.attributes))
            run.append(self._span(span))
            parts += SPAN_PARTS + len(span.attributes) + len(span.events)
            if parts >= BATCH_PARTS:
                yield run, parts
                run, parts = [], 0
            elif self._work.bytes > STEP_WORK_BYTES:
                yield None
        if run:
            yield run, parts

    def _span(self, span: "_Span") -> bytes:
        """Return a span in wire form, its fields in the order of their numbers."""
        kind = span.kind
        return b"".join(
            (
                _ids(span),
                _field(b"\x2a", span.name.encode()),
                b"" if not kind else b"\x30" + varint(kind & _64_BITS),
                _times(0x39, span.start_time_unix_nano, 0x41, span.end_time_unix_nano),
                *map(self._attribute, map(bytes, span.attributes)),
                *map(self._event, map(bytes, span.events)),
                *map(self._link, map(bytes, span.links)),
                self._status(bytes(span.status)),
                _flags(0x85, 0x01, span.flags) if span.flags else b"",
            )
        )


def _ids(span: "_Span") -> bytes:
    trace_id, span_id, parent_id = span.trace_id, span.span_id, span.parent_span_id
    if len(trace_id) == 32 and len(span_id) == 16 and len(parent_id) in (0, 16) and not span.trace_state:
        return unhexlify(f"0a10{trace_id}1208{span_id}2208{parent_id}" if parent_id else f"0a10{trace_id}1208{span_id}")
    return b"".join(
        (
            _field(b"\x0a", unhexlify(trace_id)),
            _field(b"\x12", unhexlify(span_id)),
            _field(b"\x1a", span.trace_state.encode()),
            _field(b"\x22", unhexlify(parent_id)),
        )
    )


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
    attributes: tuple[Raw, ...] = ()
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
