"""Export requests of any signal, cut at the boundaries of their messages before anything is parsed.

All three requests have the same shape and numbers: messages of a resource, in them those of a scope, in them the items,
which are spans, metrics or log records. No step holds the interpreter for long, whatever the body's size: 64 MiB parsed
at once would take 300 ms.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from sidecar.codec.otlp.schema import Resource, Scope, ScopeItems, parse
from sidecar.codec.otlp.walk import Field, fields
from sidecar.model.errors import TooLargeError

STEP_BYTES = 160
"""What walking over one field counts as, in bytes of a batch: the 1,600 of a full one are about 2 ms."""
BATCH_BYTES = 256 << 10
"""Bytes of runs and resources of a full batch, whatever they hold: what is done with them grows with them."""
RUN_BYTES = 256 << 10
"""Bytes that are parsed at once; of the smallest possible messages that is 128 Ki, 4 ms."""
RUN_ITEMS = 500
"""Items of a run that is cut out of a longer message."""
MESSAGE_BYTES = 4 << 20
"""The largest single resource or item: gRPC's default limit of a whole request."""
MESSAGES = 1 << 20
"""The most items, scopes and resources of a request: what fits into 64 MiB if they are real, a second's work."""
SHORT_RESOURCE_BYTES = 16 << 10
"""A resource up to this long is taken as it is."""
MOST_ATTRIBUTES = 256
MOST_EVENTS = 32
"""Attributes of an item or a resource, and events of a span, that are looked at: its first. SDKs stop at 128."""
MOST = {"attributes": MOST_ATTRIBUTES, "events": MOST_EVENTS}
PARTS = 1 << 17
"""Fields of a long item or resource that are walked over: as many as a run of the smallest ones has."""

_RESOURCE_ITEMS = 1  # in the request
_RESOURCE, _SCOPE_ITEMS = 1, 2  # in the message of a resource
_ITEM = 2  # in the message of a scope
_OF_RESOURCE = {1: "attributes"}


class Run(NamedTuple):
    """Items of one scope and resource, all in wire form, and how many bytes they were.

    `message` is what they were cut out of, the message of their scope or a part of it; empty if one was shortened.
    """

    resource: bytes
    scope: bytes
    items: Sequence[bytes]
    size: int
    message: bytes = b""


Shorten: TypeAlias = Callable[[Field], Iterator[bytes | int]]
"""Yields shorter items instead of one that is longer than a run, and what its steps count as, in bytes of a batch."""


class Runs:
    """The items of a request in runs; `skipped` counts what was left out of long resources and items, by `parts`.

    Who `reads_scopes` of any item gets only scopes that can be read, and none that takes long; for others scopes are
    bytes that may be as long as an item.
    """

    def __init__(self, body: bytes, parts: Sequence[str] = ("attributes",), *, reads_scopes: bool = True) -> None:
        self.skipped = dict.fromkeys(parts, 0)
        self._body = body
        self._reads_scopes = reads_scopes

    def steps(self, shorten: Shorten) -> Iterator[Run | int]:
        """Yield the runs and, between them, what the work that led to them counts as, in bytes of a batch.

        Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit.
        """
        body, total = self._body, 0
        for step in self._steps(fields(body, 0, len(body)), shorten):
            total += 1 if isinstance(step, int) else len(step.items)
            if total > MESSAGES:
                raise TooLargeError(f"more than {MESSAGES} items, scopes and resources in one request")
            yield step

    def shortened(self, message: Field, parts: Mapping[int, str]) -> Generator[int, None, bytes | None]:
        """Return `message` with only the first of its `parts`, which are those of MOST by the number of their field.

        Parsing all of a long one would take 60 ms, so that is done with what is left of it. None if it has too many
        fields to be walked over.
        """
        pieces: list[bytes] = []
        counts = dict.fromkeys(parts.values(), 0)
        for number, field in enumerate(fields(self._body, message.content, message.end)):
            yield STEP_BYTES
            if number >= PARTS:
                return None
            name = parts.get(field.number)
            if name is not None:
                counts[name] += 1
            if name is None or counts[name] <= MOST[name]:
                pieces.append(self._body[field.start : field.end])
        for name, count in counts.items():
            self.skipped[name] += max(count - MOST[name], 0)
        return b"".join(pieces)

    def _steps(self, resources: Iterator[Field], shorten: Shorten) -> Iterator[Run | int]:
        for field in resources:
            yield STEP_BYTES
            if field.number != _RESOURCE_ITEMS or not field.length_delimited:
                continue
            resource = b""
            for inner in fields(self._body, field.content, field.end):
                yield STEP_BYTES
                if inner.number == _RESOURCE and inner.length_delimited:
                    resource = yield from self._resource(inner)
            for inner in fields(self._body, field.content, field.end):
                yield STEP_BYTES
                if inner.number == _SCOPE_ITEMS and inner.length_delimited:
                    yield from self._scope_items(resource, inner, shorten)

    def _resource(self, field: Field) -> Generator[int, None, bytes]:
        size = field.end - field.content
        if size <= SHORT_RESOURCE_BYTES:
            resource = self._body[field.content : field.end]
        else:
            fits = size <= MESSAGE_BYTES
            shortened = (yield from self.shortened(field, _OF_RESOURCE)) if fits else None
            if shortened is None:
                raise TooLargeError(f"a resource of {size} bytes is over the limit of {MESSAGE_BYTES}, or of its parts")
            resource = shortened
        parse(Resource, resource, "Resource")
        yield len(resource)
        return resource

    def _scope_items(self, resource: bytes, message: Field, shorten: Shorten) -> Iterator[Run | int]:
        """Yield the items of a scope in runs of at most RUN_BYTES and RUN_ITEMS fields; a longer field is its own."""
        start, end = message.content, message.end
        if end - start <= RUN_BYTES:
            yield self._run(resource, start, end)
            return
        scope = yield from self._scope(message)
        count = 0
        for field in fields(self._body, start, end):
            if field.end - start > RUN_BYTES or count == RUN_ITEMS:
                yield self._run(resource, start, field.start)._replace(scope=scope)
                start, count = field.start, 0
            count += 1
            if field.end - field.start > RUN_BYTES:
                for step in shorten(field) if field.number == _ITEM else ():
                    yield step if isinstance(step, int) else Run(resource, scope, [step], len(step))
                start, count = field.end, 0
        yield self._run(resource, start, end)._replace(scope=scope)

    def _scope(self, message: Field) -> Generator[int, None, bytes]:
        """Return the scope of a message that is cut, so that each of its runs has it."""
        scope = b""
        most = RUN_BYTES if self._reads_scopes else MESSAGE_BYTES
        for field in fields(self._body, message.content, message.end):
            yield STEP_BYTES
            if field.number != _ITEM and field.end - field.start > most:
                raise TooLargeError(f"a field of {field.end - field.start} bytes is over the limit of {most}")
            if field.number == 1 and field.length_delimited:
                scope = self._body[field.content : field.end]
        return scope

    def _run(self, resource: bytes, start: int, end: int) -> Run:
        """Return whole fields of one message of a scope; by protobuf's rules they are a valid one again."""
        body = self._body[start:end]
        message = parse(ScopeItems, body, "message of a scope")
        if self._reads_scopes:
            parse(Scope, message.scope, "InstrumentationScope")
        return Run(resource, message.scope, message.items, end - start, body)
