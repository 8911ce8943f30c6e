"""ExportLogsServiceRequest bodies as log batches."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from google.protobuf.message import DecodeError

from sidecar.codec.otlp.runs import BATCH_BYTES, MESSAGE_BYTES, MOST_ATTRIBUTES, Run, Runs
from sidecar.codec.otlp.schema import LogRecord
from sidecar.codec.otlp.walk import Field
from sidecar.model.errors import MalformedInputError
from sidecar.model.log import LogBatch, LogGroup, LogMessage

BATCH_RECORDS = 500
"""Log records of a full batch, about 2 ms of the stages' work."""
SHORT_BYTES = 2 << 10
"""A record up to this long is taken as it is: it has no room for so many attributes that they cost."""

_OF_RECORD = {6: "attributes"}


class LogBatches:
    """The log records of a request's body.

    `rejected` counts records that were left out: over 4 MiB, or of more than 128 Ki fields. `skipped` counts
    attributes that were left out of the records and resources that have more than 256.
    """

    def __init__(self, body: bytes, received_at: float) -> None:
        self.rejected = 0
        self._received_at = received_at
        self._runs = Runs(body)

    @property
    def skipped(self) -> Mapping[str, int]:
        """Attributes that were left out, under `attributes`."""
        return self._runs.skipped

    def __iter__(self) -> Iterator[LogBatch]:
        """Yield the records in batches, each step about 5 ms at most; a batch may be empty. To be called once.

        Raises MalformedInputError or TooLargeError at the first message that is not whole or not within its limit, so
        a body is known to be good only after the last batch. Attributes and body of a record are not looked into.
        """
        groups: list[LogGroup] = []
        room, work = BATCH_RECORDS, 0
        for step in self._runs.steps(self._shorten):
            work += step if isinstance(step, int) else step.size
            for group in () if isinstance(step, int) else self._groups(step, room):
                groups.append(group)
                room -= len(group.records)
                if not room:
                    yield LogBatch(self._received_at, groups)
                    groups, room, work = [], BATCH_RECORDS, 0
            if work >= BATCH_BYTES:
                yield LogBatch(self._received_at, groups)
                groups, room, work = [], BATCH_RECORDS, 0
        if groups:
            yield LogBatch(self._received_at, groups)

    def _groups(self, run: Run, room: int) -> Iterator[LogGroup]:
        """Yield the groups of `run`: the first has at most `room` records, the following at most BATCH_RECORDS."""
        taken = 0
        while taken < len(run.items):
            part = run.items[taken : taken + room]
            yield LogGroup(run.resource, run.scope, [self._parse(raw) for raw in part])
            taken += len(part)
            room = BATCH_RECORDS

    def _parse(self, raw: bytes) -> LogMessage:
        try:
            record = LogRecord.FromString(raw)
        except DecodeError as error:
            raise MalformedInputError("not a valid LogRecord message") from error
        if len(raw) > SHORT_BYTES and len(record.attributes) > MOST_ATTRIBUTES:
            self._runs.skipped["attributes"] += len(record.attributes) - MOST_ATTRIBUTES
            del cast("Any", record.attributes)[MOST_ATTRIBUTES:]
        return record

    def _shorten(self, field: Field) -> Iterator[bytes | int]:
        fits = field.end - field.content <= MESSAGE_BYTES
        record = (yield from self._runs.shortened(field, _OF_RECORD)) if fits else None
        if record is None:
            self.rejected += 1
        else:
            yield record
