"""Packing: the spans of kept traces as masked, compressed bytes, a tenth of what they were as received."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import compress, decompress

import msgspec

from sidecar.codec.otlp.span_detail import DetailGroup, DetailReader, SpanDetail
from sidecar.codec.peer.times import LONGEST_NANO, is_plausible, took_nano
from sidecar.derive.origin import UNKNOWN_SERVICE
from sidecar.model.redact import Redact
from sidecar.spans.shape import counts_as_failed
from sidecar.spans.traces.kept import KeptTrace

PIECE_SPANS = 40
PIECE_BYTES = 64 << 10
"""What is packed in one step: about 2 ms."""
SERVICES = 16
"""Services that are remembered of a trace: its first."""
MOST_SEEN = 4_096
"""Different attributes that a trace may have for a search to know without unpacking that it has not the wanted one."""
_CHUNK = msgspec.msgpack.Decoder(list[DetailGroup])


class Packer:
    """Packs the spans of traces; `redact` is asked about every text before it is kept."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._reader = DetailReader(redact)

    def text(self, key: str, text: str) -> str:
        """Return `text` as it may be stored and shown."""
        return str(self._redact(key, text))

    def pack_some(self, trace: KeptTrace) -> None:
        """Pack the next of the spans of `trace` that wait, and add to it what is known of them."""
        parts = trace.held.release(PIECE_SPANS, PIECE_BYTES)
        groups = [self._reader.group(*source, spans) for source, spans in parts]
        chunk = compress(msgspec.msgpack.encode(groups), 1)
        trace.chunks.append(chunk)
        trace.packed_bytes += len(chunk)
        _add_up(trace, groups)
        _remember_attributes(trace, groups)


def unpack(trace: KeptTrace) -> Iterator[list[DetailGroup]]:
    """Yield the packed spans of `trace`, piece by piece."""
    for chunk in trace.chunks:
        yield _CHUNK.decode(decompress(chunk))


def failed(span: SpanDetail) -> bool:
    """Whether `span` counts as an error: by the rule of the metrics."""
    return counts_as_failed(span.kind, span.status_code, span.attributes)


def service_name(group: DetailGroup) -> str:
    """Return the service of a group; `unknown_service` without one."""
    return str(group.resource.get("service.name") or UNKNOWN_SERVICE)


def pairs_of(group: DetailGroup) -> Iterator[tuple[str, Any]]:
    """Yield every attribute of a group that can be searched: those of its resource, spans and events."""
    yield from group.resource.items()
    for span in group.spans:
        yield from span.attributes.items()
        for event in span.events:
            yield from event.attributes.items()


def hash_of(key: str, value: Any) -> int:
    """Return what tells an attribute from others: the same for a number and its text."""
    return hash((key, text_of_value(value))) & 0xFFFF_FFFF_FFFF_FFFF


def text_of_value(value: Any) -> str:
    """Return the text that an attribute's value is searched by: `true` and `false` as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def may_have(trace: KeptTrace, key: str, value: str) -> bool:
    """Return False if no packed span of `trace` has this attribute; True does not promise that one has."""
    if trace.seen is None:
        return True
    wanted = hash_of(key, value)
    place = bisect_left(trace.seen, wanted)
    return place < len(trace.seen) and trace.seen[place] == wanted


def _remember_attributes(trace: KeptTrace, groups: Iterable[DetailGroup]) -> None:
    if trace.seen is None:
        return
    seen = {*trace.seen, *(hash_of(*pair) for group in groups for pair in pairs_of(group))}
    trace.packed_bytes += trace.seen.itemsize * (min(len(seen), MOST_SEEN) - len(trace.seen))
    trace.seen = array("Q", sorted(seen)) if len(seen) <= MOST_SEEN else None


def _add_up(trace: KeptTrace, groups: Iterable[DetailGroup]) -> None:
    for group in groups:
        service = service_name(group)
        if service not in trace.services and len(trace.services) < SERVICES:
            trace.services = (*trace.services, service)
        _add_times(trace, group.spans)
        trace.errors += sum(map(failed, group.spans))


def _add_times(trace: KeptTrace, spans: Iterable[SpanDetail]) -> None:
    """Let `trace` be as long as its spans together; those that started at no time that may be do not say.

    Of starts that are further apart than anything takes, the earlier is a clock that was not set yet.
    """
    for span in spans:
        start = span.start_time_unix_nano
        if not is_plausible(start, trace.kept_at) or start < trace.start_unix_nano - LONGEST_NANO:
            continue
        if start > trace.start_unix_nano + LONGEST_NANO:
            trace.start_unix_nano, trace.end_unix_nano = start, start
        end = start + took_nano(start, span.end_time_unix_nano, trace.kept_at)
        trace.start_unix_nano = min(start, trace.start_unix_nano)
        trace.end_unix_nano = max(end, trace.end_unix_nano)
