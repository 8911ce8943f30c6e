"""ExportTraceServiceRequest bodies as span batches.

A body is cut at the boundaries of its messages before anything is parsed, so that no step holds the interpreter for
long, whatever the body's size: 64 MiB parsed at once would take 300 ms.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.schema import Resource, ScopeSpans, Span, parse
from sidecar.codec.otlp.walk import Field, fields
from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.model.span import SpanBatch, SpanGroup, SpanMessage

BATCH_SPANS = 500
"""Spans of a full batch, about 2 ms of the stages' work; larger ones are not cheaper."""
BATCH_STEPS = 2000
"""Runs and other fields between two batches, even empty ones: about 2 ms."""
RUN_BYTES = 256 << 10
"""Bytes that are parsed at once; of the smallest possible spans that is 128 Ki, 4 ms."""
MESSAGE_BYTES = 4 << 20
"""The largest single resource or span: gRPC's default limit of a whole request. Bounds what one parse can take."""
MESSAGES = 1 << 20
"""The most spans, scopes and resources of a request: what fits into 64 MiB if they are real, a second's work."""

_RESOURCE_SPANS = 1  # in ExportTraceServiceRequest
_RESOURCE, _SCOPE_SPANS = 1, 2  # in ResourceSpans


def span_batches(body: bytes, received_at: float) -> Iterator[SpanBatch]:
    """Yield the spans of `body` in batches, each step about 5 ms at most; a batch may be empty.

    Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit, so a
    body is known to be good only after the last batch. Attributes, events and status are not looked into.
    """
    groups: list[SpanGroup] = []
    room, steps, total = BATCH_SPANS, 0, 0
    for run in _runs(body):
        if run is not None:
            for group in _groups(run, room):
                groups.append(group)
                room -= len(group.spans)
                total += len(group.spans)
                if not room:
                    yield SpanBatch(received_at, groups)
                    groups, room, steps = [], BATCH_SPANS, 0
        steps += 1
        total += 1
        if total > MESSAGES:
            raise TooLargeError(f"more than {MESSAGES} spans, scopes and resources in one request")
        if steps >= BATCH_STEPS:
            yield SpanBatch(received_at, groups)
            groups, room, steps = [], BATCH_SPANS, 0
    if groups:
        yield SpanBatch(received_at, groups)


class _Run(NamedTuple):
    """Whole fields of one ScopeSpans; by protobuf's rules that is a valid ScopeSpans again."""

    resource: bytes
    scope_spans: bytes


def _groups(run: _Run, room: int) -> Iterator[SpanGroup]:
    """Yield the spans of `run`: the first group has at most `room`, the following at most BATCH_SPANS."""
    message = parse(ScopeSpans, run.scope_spans, "ScopeSpans")
    spans, taken = message.spans, 0
    while taken < len(spans):
        part = spans[taken : taken + room]
        yield SpanGroup(run.resource, message.scope, _parse_spans(part))
        taken += len(part)
        room = BATCH_SPANS


def _parse_spans(spans: Sequence[bytes]) -> list[SpanMessage]:
    try:
        return list(map(Span.FromString, spans))
    except DecodeError as error:
        raise MalformedInputError("not a valid Span message") from error


def _runs(body: bytes) -> Iterator[_Run | None]:
    """Yield the runs of a request; None for each other field that was walked over, so that a caller can pause."""
    for field in fields(body, 0, len(body)):
        yield None
        if field.number != _RESOURCE_SPANS or not field.length_delimited:
            continue
        resource = b""
        for inner in fields(body, field.content, field.end):
            yield None
            if inner.number == _RESOURCE and inner.length_delimited:
                resource = _resource(body, inner)
        for inner in fields(body, field.content, field.end):
            yield None
            if inner.number == _SCOPE_SPANS and inner.length_delimited:
                yield from _cut(body, resource, inner)


def _resource(body: bytes, field: Field) -> bytes:
    _check_size(field)
    resource = body[field.content : field.end]
    parse(Resource, resource, "Resource")
    return resource


def _cut(body: bytes, resource: bytes, scope_spans: Field) -> Iterator[_Run]:
    """Yield one ScopeSpans in runs of at most RUN_BYTES and BATCH_SPANS fields; a longer single span is its own run."""
    start, end = scope_spans.content, scope_spans.end
    if end - start <= RUN_BYTES:
        yield _Run(resource, body[start:end])
        return
    count = 0
    for field in fields(body, start, end):
        _check_size(field)
        if field.end - start > RUN_BYTES or count == BATCH_SPANS:
            yield _Run(resource, body[start : field.start])
            start, count = field.start, 0
        count += 1
    yield _Run(resource, body[start:end])


def _check_size(field: Field) -> None:
    size = field.end - field.content
    if field.length_delimited and size > MESSAGE_BYTES:
        raise TooLargeError(f"a resource or span of {size} bytes is over the limit of {MESSAGE_BYTES}")
