"""What stages are told of spans, one by one: the plain reading that the observer's columns are compared with."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sidecar.codec.otlp.attributes import Wanted, attributes_of, pick, status_code_of, text_of
from sidecar.codec.otlp.parsed import parsed
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.peer.times import took_nano
from sidecar.derive.label_values import label_value, texts_of
from sidecar.derive.origin import Origin, origin_of
from sidecar.model.redact import unmasked
from sidecar.model.span import SpanBatch, SpanMessage
from sidecar.spans.calls import INCOMING, OUTGOING, SHORTENED
from sidecar.spans.shape import CALLED, SERVED, ObservedSpans, SpanShape, counts_as_failed, shape_of


class Told(NamedTuple):
    """What stages are told of a span; `shape` is None where it is not counted, `text` where it asks no database."""

    shape: tuple[Any, ...] | None
    seconds: float
    fails: bool
    weight: float
    text: bytes | None
    span: SpanMessage


def naive(batches: Sequence[SpanBatch], kinds: frozenset[int], more: frozenset[str] = frozenset()) -> list[Told]:
    """Return what is told of each span, those that count as errors without being counted included."""
    return [
        _told(span, origin_of(group.resource, unmasked, more), kinds, more, batch.received_at)
        for batch in batches
        for group in batch.groups
        for span in map(parsed, group.spans)
    ]


def told(observed: Sequence[ObservedSpans]) -> list[Told]:
    """Return what the columns tell of each span, in the order they came in."""
    return [each for part in observed for each in _in_order(part)]


def _in_order(part: ObservedSpans) -> Iterator[Told]:
    counted = {int(place): at for at, place in enumerate(part.places)}
    failed = set(part.failed_places)
    for place in range(len(part.columns)):
        span = part.sent(place).span
        if place not in counted:
            yield Told(None, 0.0, place in failed, 1.0, None, span)
            continue
        at = counted[place]
        fails = bool(part.fails[at])
        assert fails == (place in failed)
        weight = 1.0 if part.weights is None else float(part.weights[at])
        shape = part.shapes[part.indexes[at]]
        text = part.texts[at] if shape.database_call else None
        yield Told(facts_of(shape), float(part.durations_seconds[at]), fails, weight, text, span)


def _told(span: SpanMessage, origin: Origin, kinds: frozenset[int], more: frozenset[str], now: float) -> Told:
    status = status_code_of(span.status)
    kind = span.kind if 0 <= span.kind <= 5 else 0
    outgoing = kind in CALLED
    shortened = {key: shorten for key, shorten in SHORTENED.items() if key not in more}
    wanted = Wanted((OUTGOING if outgoing else INCOMING) | more, shortened)
    attributes = [*filter(None, map(wanted.__getitem__, span.attributes))]
    if kind not in kinds:
        fails = status == 2 or (
            status == 0 and kind in {*SERVED, *CALLED} and counts_as_failed(kind, 0, attributes_of(attributes))
        )
        return Told(None, 0.0, fails, 1.0, None, span)
    own = {name: label_value(text) for name, text in texts_of(attributes, more).items()}
    labels = {**dict(origin.attributes), **own}
    shape = shape_of(origin.service, text_of(span.name), kind, status, attributes_of(attributes), labels)
    seconds = took_nano(span.start_time_unix_nano, span.end_time_unix_nano, now) / 1e9
    found = pick(span.attributes, {b"db.query.text", b"db.statement"}) if shape.database_call else {}
    text = found.get(b"db.query.text") or found.get(b"db.statement")
    weight = adjusted_count(span.trace_state) if span.trace_state else 1.0
    return Told(facts_of(shape), seconds, shape.failed, weight, text, span)


def facts_of(shape: SpanShape) -> tuple[Any, ...]:
    """Return all that a shape says: shapes are equal only to themselves."""
    return tuple(
        sorted(value.items()) if name == "attributes" else value
        for name in SpanShape.__slots__
        for value in [getattr(shape, name)]
    )
