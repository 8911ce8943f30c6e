"""ExportTraceServiceRequest bodies as span batches."""

from collections.abc import Iterator, Mapping

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.parsed import SHORT_BYTES, left_out
from sidecar.codec.otlp.runs import BATCH_BYTES, MESSAGE_BYTES, MOST, Run, Runs
from sidecar.codec.otlp.schema import Spans, parse
from sidecar.codec.otlp.walk import Field
from sidecar.model.errors import MalformedInputError
from sidecar.model.span import SpanBatch, SpanGroup

BATCH_SPANS = 500
"""Spans of a full batch, about 2 ms of the stages' work; larger ones are not cheaper."""

_OF_SPAN = {9: "attributes", 11: "events"}


class SpanBatches:
    """The spans of a request's body.

    `rejected` counts spans that were left out: over 4 MiB, or of more than 128 Ki fields. `skipped` counts attributes
    and events that were left out of the spans and resources that have more than 32 events or 256 attributes.
    """

    def __init__(self, body: bytes, received_at: float) -> None:
        self.rejected = 0
        self._received_at = received_at
        self._runs = Runs(body, [*MOST], reads_scopes=False)

    @property
    def skipped(self) -> Mapping[str, int]:
        """What was left out, under `attributes` and `events`."""
        return self._runs.skipped

    def __iter__(self) -> Iterator[SpanBatch]:
        """Yield the spans in batches, each step about 5 ms at most; a batch may be empty. To be called once.

        Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit, so
        a body is known to be good only after the last batch. Attributes, events and status are not looked into.
        """
        groups: list[SpanGroup] = []
        room, work = BATCH_SPANS, 0
        for step in self._runs.steps(self._shorten):
            work += step if isinstance(step, int) else step.size
            for group in () if isinstance(step, int) else self._groups(step, room):
                groups.append(group)
                room -= len(group.spans)
                if not room:
                    yield SpanBatch(self._received_at, groups)
                    groups, room, work = [], BATCH_SPANS, 0
            if work >= BATCH_BYTES:
                yield SpanBatch(self._received_at, groups)
                groups, room, work = [], BATCH_SPANS, 0
        if groups:
            yield SpanBatch(self._received_at, groups)

    def _groups(self, run: Run, room: int) -> Iterator[SpanGroup]:
        """Yield the spans of `run`: the first group has at most `room`, the following at most BATCH_SPANS."""
        self._check(run)
        taken = 0
        while taken < len(run.items):
            part = run.items[taken : taken + room]
            yield SpanGroup(run.resource, run.scope, part)
            taken += len(part)
            room = BATCH_SPANS

    def _check(self, run: Run) -> None:
        """Raise MalformedInputError if a span of `run` is no valid message; count what is left out of the others."""
        parse(Spans, run.message, "Span")
        try:
            for raw in run.items if run.size > SHORT_BYTES else ():
                for name, count in left_out(raw).items():
                    self._runs.skipped[name] += count
        except DecodeError as error:
            raise MalformedInputError("not a valid Span message") from error

    def _shorten(self, field: Field) -> Iterator[bytes | int]:
        fits = field.end - field.content <= MESSAGE_BYTES
        span = (yield from self._runs.shortened(field, _OF_SPAN)) if fits else None
        if span is None:
            self.rejected += 1
        else:
            yield span
