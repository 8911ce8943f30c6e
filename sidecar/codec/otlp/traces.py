"""ExportTraceServiceRequest bodies as span batches.

A body is cut at the boundaries of its messages before anything is parsed, so that no step holds the interpreter for
long, whatever the body's size: 64 MiB parsed at once would take 300 ms.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.schema import Resource, ScopeSpans, Span, parse
from sidecar.codec.otlp.walk import Field, fields
from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.model.span import SpanBatch, SpanGroup, SpanMessage

BATCH_SPANS = 500
"""Spans of a full batch, about 2 ms of the stages' work; larger ones are not cheaper."""
BATCH_BYTES = 256 << 10
"""Bytes of runs and resources of a full batch, whatever they hold: what the stages do grows with them too."""
STEP_BYTES = 160
"""What walking over one field counts as, in bytes of a batch: the 1,600 of a full one are about 2 ms."""
RUN_BYTES = 256 << 10
"""Bytes that are parsed at once; of the smallest possible spans that is 128 Ki, 4 ms."""
MESSAGE_BYTES = 4 << 20
"""The largest single resource or span: gRPC's default limit of a whole request."""
MESSAGES = 1 << 20
"""The most spans, scopes and resources of a request: what fits into 64 MiB if they are real, a second's work."""
SHORT_BYTES = 2 << 10
"""A span up to this long is taken as it is: it has no room for so many attributes or events that they cost."""
SHORT_RESOURCE_BYTES = 16 << 10
"""A resource up to this long is taken as it is."""
MOST_ATTRIBUTES = 256
MOST_EVENTS = 32
"""Attributes and events of a span, and attributes of a resource, that are looked at: its first. SDKs stop at 128."""
PARTS = 1 << 17
"""Fields of a long span or resource that are walked over: as many as a run of the smallest ones has."""

_RESOURCE_SPANS = 1  # in ExportTraceServiceRequest
_RESOURCE, _SCOPE_SPANS = 1, 2  # in ResourceSpans
_SCOPE, _SPAN = 1, 2  # in ScopeSpans
_OF_SPAN = {9: "attributes", 11: "events"}  # repeated fields of Span
_OF_RESOURCE = {1: "attributes"}
_MOST = {"attributes": MOST_ATTRIBUTES, "events": MOST_EVENTS}


class _Run(NamedTuple):
    """Spans of one ScopeSpans, in wire form, and how many bytes they were."""

    resource: bytes
    scope: bytes
    spans: Sequence[bytes]
    size: int


class SpanBatches:
    """The spans of a request's body.

    `rejected` counts spans that were left out: over 4 MiB, or of more than 128 Ki fields. `skipped` counts attributes
    and events that were left out of the spans and resources that have more than 32 events or 256 attributes.
    """

    def __init__(self, body: bytes, received_at: float) -> None:
        self.rejected = 0
        self.skipped = dict.fromkeys(_MOST, 0)
        self._body = body
        self._received_at = received_at

    def __iter__(self) -> Iterator[SpanBatch]:
        """Yield the spans in batches, each step about 5 ms at most; a batch may be empty. To be called once.

        Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit, so
        a body is known to be good only after the last batch. Attributes, events and status are not looked into.
        """
        groups: list[SpanGroup] = []
        room, work, total = BATCH_SPANS, 0, 0
        for step in self._steps():
            if isinstance(step, int):
                work += step
                total += 1
            else:
                work += step.size
                for group in self._groups(step, room):
                    groups.append(group)
                    room -= len(group.spans)
                    total += len(group.spans)
                    if not room:
                        yield SpanBatch(self._received_at, groups)
                        groups, room, work = [], BATCH_SPANS, 0
            if total > MESSAGES:
                raise TooLargeError(f"more than {MESSAGES} spans, scopes and resources in one request")
            if work >= BATCH_BYTES:
                yield SpanBatch(self._received_at, groups)
                groups, room, work = [], BATCH_SPANS, 0
        if groups:
            yield SpanBatch(self._received_at, groups)

    def _groups(self, run: _Run, room: int) -> Iterator[SpanGroup]:
        """Yield the spans of `run`: the first group has at most `room`, the following at most BATCH_SPANS."""
        taken = 0
        while taken < len(run.spans):
            part = run.spans[taken : taken + room]
            yield SpanGroup(run.resource, run.scope, self._parse(part), part)
            taken += len(part)
            room = BATCH_SPANS

    def _parse(self, raw: Sequence[bytes]) -> list[SpanMessage]:
        try:
            spans = list(map(Span.FromString, raw))
        except DecodeError as error:
            raise MalformedInputError("not a valid Span message") from error
        if max(map(len, raw)) > SHORT_BYTES:
            for size, span in zip(map(len, raw), spans, strict=True):
                if size > SHORT_BYTES:
                    self._shorten(span)
        return spans

    def _shorten(self, span: SpanMessage) -> None:
        for name, most in _MOST.items():
            parts = cast("Any", getattr(span, name))
            if len(parts) > most:
                self.skipped[name] += len(parts) - most
                del parts[most:]

    def _steps(self) -> Iterator[_Run | int]:
        """Yield the runs of the request and, between them, what the work that led to them counts as, in bytes."""
        body = self._body
        for field in fields(body, 0, len(body)):
            yield STEP_BYTES
            if field.number != _RESOURCE_SPANS or not field.length_delimited:
                continue
            resource = b""
            for inner in fields(body, field.content, field.end):
                yield STEP_BYTES
                if inner.number == _RESOURCE and inner.length_delimited:
                    resource = yield from self._resource(inner)
            for inner in fields(body, field.content, field.end):
                yield STEP_BYTES
                if inner.number == _SCOPE_SPANS and inner.length_delimited:
                    yield from self._scope_spans(resource, inner)

    def _resource(self, field: Field) -> Generator[int, None, bytes]:
        size = field.end - field.content
        if size <= SHORT_RESOURCE_BYTES:
            resource = self._body[field.content : field.end]
        else:
            shortened = (yield from self._shortened(field, _OF_RESOURCE)) if size <= MESSAGE_BYTES else None
            if shortened is None:
                raise TooLargeError(f"a resource of {size} bytes is over the limit of {MESSAGE_BYTES}, or of its parts")
            resource = shortened
        parse(Resource, resource, "Resource")
        yield len(resource)
        return resource

    def _scope_spans(self, resource: bytes, message: Field) -> Iterator[_Run | int]:
        """Yield one ScopeSpans in runs of at most RUN_BYTES and BATCH_SPANS fields; a longer field is its own run."""
        start, end = message.content, message.end
        if end - start <= RUN_BYTES:
            yield self._run(resource, start, end)
            return
        scope = yield from self._scope(message)
        count = 0
        for field in fields(self._body, start, end):
            if field.end - start > RUN_BYTES or count == BATCH_SPANS:
                yield self._run(resource, start, field.start)._replace(scope=scope)
                start, count = field.start, 0
            count += 1
            if field.end - field.start > RUN_BYTES:
                yield from self._long(resource, scope, field)
                start, count = field.end, 0
        yield self._run(resource, start, end)._replace(scope=scope)

    def _scope(self, message: Field) -> Generator[int, None, bytes]:
        """Return the scope of a message that is cut, so that each of its runs has it."""
        scope = b""
        for field in fields(self._body, message.content, message.end):
            yield STEP_BYTES
            if field.number == _SCOPE and field.length_delimited:
                if field.end - field.content > MESSAGE_BYTES:
                    raise TooLargeError(f"a scope of {field.end - field.content} bytes is over {MESSAGE_BYTES}")
                scope = self._body[field.content : field.end]
        return scope

    def _run(self, resource: bytes, start: int, end: int) -> _Run:
        """Return whole fields of one ScopeSpans; by protobuf's rules they are a valid ScopeSpans again."""
        message = parse(ScopeSpans, self._body[start:end], "ScopeSpans")
        return _Run(resource, message.scope, message.spans, end - start)

    def _long(self, resource: bytes, scope: bytes, field: Field) -> Iterator[_Run | int]:
        """Yield the run of a field that is longer than a run; nothing if it is a span that is left out."""
        size = field.end - field.content
        is_span = field.number == _SPAN and field.length_delimited
        if not is_span and size > MESSAGE_BYTES:
            raise TooLargeError(f"a field of {size} bytes is over the limit of {MESSAGE_BYTES}")
        if not is_span:
            yield self._run(resource, field.start, field.end)._replace(scope=scope)
            return
        span = (yield from self._shortened(field, _OF_SPAN)) if size <= MESSAGE_BYTES else None
        if span is None:
            self.rejected += 1
        else:
            yield _Run(resource, scope, [span], len(span))

    def _shortened(self, message: Field, names: Mapping[int, str]) -> Generator[int, None, bytes | None]:
        """Return `message` with only the first of the fields that `names` gives; None if it has too many to be walked.

        Parsing all of a long one would take 60 ms, so that is done with what is left of it.
        """
        pieces: list[bytes] = []
        left = dict(_MOST)
        skipped = dict.fromkeys(_MOST, 0)
        for number, field in enumerate(fields(self._body, message.content, message.end)):
            yield STEP_BYTES
            name = names.get(field.number)
            if number >= PARTS:
                return None
            if name is None or left[name]:
                pieces.append(self._body[field.start : field.end])
            if name and left[name]:
                left[name] -= 1
            elif name:
                skipped[name] += 1
        for name, count in skipped.items():
            self.skipped[name] += count
        return b"".join(pieces)
