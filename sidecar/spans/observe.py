"""From batches of spans to shapes: the stages' columns."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import Wanted, attributes_of, text_of
from sidecar.codec.otlp.columns import ReadSpans, SpanReader
from sidecar.codec.otlp.facts import Facts, Side
from sidecar.codec.otlp.keys import keyed
from sidecar.codec.peer.times import CLOCK_NANO, took_nano
from sidecar.derive.label_values import label_value, texts_of
from sidecar.derive.origin import UNKNOWN_SERVICE, Origin, origin_of
from sidecar.model.redact import Redact, unmasked
from sidecar.model.span import SpanBatch, SpanKind, StatusCode
from sidecar.model.span_columns import Places, SpanColumns
from sidecar.spans.calls import INCOMING, OUTGOING, SHORTENED
from sidecar.spans.roots import are_local_roots
from sidecar.spans.shape import CALLED, SERVED, ObservedSpans, SpanShape, counts_as_failed, shape_of

NEW_SHAPES = 80
"""Shapes that are made in one step, 5 ms."""
_SHAPES = 20_000
_ORIGINS = 5_000
_RESOURCES = 1000
_RESOURCE_BYTES = 16 << 10
"""Of longer resources only the last is remembered, which all spans of a ResourceSpans share; so what is remembered
stays below 60 MB."""
_JUDGED = frozenset(map(int, (*SERVED, *CALLED)))
_NAME, _KIND, _ORIGIN = keyed("name"), keyed("kind"), keyed("origin")


class Observer:
    """Finds each span's shape by an identity, so that only the first span of a kind is looked at in detail.

    The identity is a number of 64 bits: that of `Facts`, and its name, kind and origin. That two of the
    20,000 shapes that are remembered share one is as likely as 10^-14 for each, whatever a sender tries: the numbers
    that all is multiplied with are keyed anew in each process.

    `more` names attributes, of spans or resources, that shapes are told apart by beyond those of their calls. What a
    shape says went through `redact`, the name of spans under the key `span.name`. `wall` makes Unix time of the time
    that a batch was received at. Bounded: when there are too many different shapes or resources, all are forgotten at
    once and found anew; what was counted is not touched by that.
    """

    def __init__(
        self,
        kinds: frozenset[int],
        more: Collection[str] = (),
        redact: Redact = unmasked,
        wall: Callable[[float], float] = float,
    ) -> None:
        self._wall = wall
        self._counted = np.isin(np.arange(max(SpanKind) + 1), [*kinds])
        self._unasked = np.isin(np.arange(max(SpanKind) + 1), [*(_JUDGED - kinds)])
        self._redact = redact
        self._more = frozenset(more)
        shortened = {key: shorten for key, shorten in SHORTENED.items() if key not in self._more}
        keys = (side | self._more for side in (INCOMING, OUTGOING))
        self._reader = SpanReader(*(Side(of_side, Wanted(of_side, shortened)) for of_side in keys))
        self._origins: dict[bytes, Origin] = {}
        self._last = (b"", Origin(UNKNOWN_SERVICE))
        self._numbers: dict[Origin, int] = {}
        self._indexes: dict[int, int] = {}
        self._shapes: list[SpanShape] = []
        self._of_roots: dict[int, SpanShape] = {}
        self._failed = np.zeros(0, dtype=bool)

    def observe(self, batch: SpanBatch) -> Iterator[ObservedSpans]:
        """Yield the spans of `batch` as columns, as a rule all at once, else in steps of about 5 ms.

        What a span took is what `took_nano` says. Whoever asks for one batch asks for all of it before the next one.
        """
        if max(len(self._shapes), len(self._of_roots)) > _SHAPES or len(self._numbers) > _ORIGINS:
            self._shapes, self._indexes, self._of_roots, self._numbers = [], {}, {}, {}
        for read in self._reader.read(batch):
            yield from self._observe(read)

    def _observe(self, read: ReadSpans) -> Iterator[ObservedSpans]:
        columns = read.columns
        origins = [self._origin_of(source.resource) for source in columns.sources]
        places = self._counted[columns.kind].nonzero()[0]
        keys = self._identities(columns, read.facts, origins, places).tolist()
        indexes = np.fromiter(map(self._indexes.get, keys, repeat(-1)), np.int64, len(keys))
        first, made = 0, 0
        for at in (indexes < 0).nonzero()[0].tolist():
            place = int(places[at])
            index = self._indexes.get(keys[at])
            if index is None and made == NEW_SHAPES:
                yield self._observed(_Part(read, origins, first, place), places, indexes)
                first, made = place, 0
            if index is None:
                index = self._add(columns, place, read.facts, origins[columns.source_of[place]])
                self._indexes[keys[at]] = index
                made += 1
            indexes[at] = index
        yield self._observed(_Part(read, origins, first, len(columns)), places, indexes)

    def _identities(
        self, columns: SpanColumns, facts: Facts, origins: Sequence[Origin], places: Places
    ) -> NDArray[np.uint64]:
        numbers = np.array([self._numbers.setdefault(of, len(self._numbers)) for of in origins], np.uint64)
        names = np.fromiter(map(hash, columns.names(places)), np.int64, len(places)).view(np.uint64)
        kinds = columns.kind[places].astype(np.uint64)
        of_origins = (numbers * _ORIGIN)[columns.source_of[places]]
        identities: NDArray[np.uint64] = facts.identity[places] + names * _NAME + kinds * _KIND + of_origins
        return identities

    def _observed(self, part: "_Part", places: Places, indexes: Places) -> ObservedSpans:
        """Return the columns of a part, given the places of the counted spans of all, and their shapes."""
        own = slice(*np.searchsorted(places, (part.first, part.last)))
        places, indexes = places[own] - part.first, indexes[own]
        columns, fails = part.columns, self._failed[indexes]
        of_others = (~self._counted[columns.kind]).nonzero()[0]
        failures = np.concatenate([of_others[self._failures(columns, part.facts, of_others)], places[fails]])
        return ObservedSpans(
            received_at=columns.received_at,
            wall_at=self._wall(columns.received_at),
            shapes=self._shapes,
            indexes=indexes,
            durations_seconds=_seconds(columns, places, self._wall(columns.received_at)),
            fails=fails,
            weights=None if columns.weights is None else columns.weights[places],
            columns=columns,
            places=places,
            failed_places=failures.tolist(),
            origins=part.origins,
            texts=part.facts.text[places],
            root_shapes=self._root_shapes(part, of_others),
        )

    def _add(self, columns: SpanColumns, place: int, facts: Facts, origin: Origin) -> int:
        """Make a shape of the span at `place`, and return its index."""
        shape = self._shape_at(columns, place, facts, origin)
        index = len(self._shapes)
        self._shapes.append(shape)
        if index >= len(self._failed):
            self._failed = np.concatenate([self._failed, np.zeros(max(64, index), dtype=bool)])
        self._failed[index] = shape.failed
        return index

    def _root_shapes(self, part: "_Part", of_others: Places) -> dict[int, SpanShape]:
        """Return the shapes of the local roots among the spans at these places, whose kinds are not counted."""
        columns, facts = part.columns, part.facts
        parents, flags, kinds = columns.parent_id[of_others], columns.flags[of_others], columns.kind[of_others]
        places = of_others[are_local_roots(parents, flags, kinds)]
        identities = self._identities(columns, facts, part.origins, places).tolist()
        found = {}
        for place, identity in zip(places.tolist(), identities, strict=True):
            shape = self._of_roots.get(identity)
            if shape is None:
                origin = part.origins[columns.source_of[place]]
                shape = self._of_roots[identity] = self._shape_at(columns, place, facts, origin)
            found[place] = shape
        return found

    def _shape_at(self, columns: SpanColumns, place: int, facts: Facts, origin: Origin) -> SpanShape:
        kind, status = int(columns.kind[place]), int(facts.status[place])
        (name,) = columns.names(np.array([place]))
        wanted = self._reader.side_of(kind).wanted_in(columns.raw(place))
        attributes = {name: self._redact(name, value) for name, value in attributes_of(wanted).items()}
        more = self._more_of(origin, wanted) if self._more else {}
        return shape_of(origin.service, self._redact("span.name", text_of(name)), kind, status, attributes, more)

    def _failures(self, columns: SpanColumns, facts: Facts, places: Places) -> NDArray[np.bool_]:
        """Return which of the spans at `places`, of kinds that are not counted, count as errors."""
        status = facts.status[places]
        failures: NDArray[np.bool_] = status == StatusCode.ERROR
        unsaid = (status == StatusCode.UNSET) & self._unasked[columns.kind[places]]
        for at in unsaid.nonzero()[0].tolist():
            place = int(places[at])
            kind = int(columns.kind[place])
            attributes = attributes_of(self._reader.side_of(kind).wanted_in(columns.raw(place)))
            failures[at] = counts_as_failed(kind, StatusCode.UNSET, attributes)
        return failures

    def _more_of(self, origin: Origin, attributes: Sequence[bytes]) -> dict[str, str]:
        """Return what was asked for; what a span says of itself goes before what its resource says."""
        own = texts_of(attributes, self._more).items()
        return {**dict(origin.attributes), **{name: label_value(self._redact(name, text)) for name, text in own}}

    def _origin_of(self, resource: bytes) -> Origin:
        last, origin = self._last
        if resource is not last:
            origin = self._origins.get(resource) or self._look_up(resource)
            self._last = (resource, origin)
        return origin

    def _look_up(self, resource: bytes) -> Origin:
        """Return what `resource` says, and remember that."""
        if len(self._origins) >= _RESOURCES:
            self._origins.clear()
        origin = origin_of(resource, self._redact, self._more)
        if len(resource) <= _RESOURCE_BYTES:
            self._origins[resource] = origin
        return origin


class _Part:
    """Spans from the one at `first` to before that at `last`, of those that were read."""

    def __init__(self, read: ReadSpans, origins: Sequence[Origin], first: int, last: int) -> None:
        is_all = last - first == len(read.columns)
        self.first, self.last = first, last
        self.columns = read.columns if is_all else read.columns.part(first, last)
        self.facts = read.facts.part(first, last)
        self.origins = origins


def _seconds(columns: SpanColumns, places: Places, wall_at: float) -> NDArray[np.float64]:
    """Return how long the spans at `places` took: only the long ones need a second look."""
    starts, ends = columns.start_nano[places], columns.end_nano[places]
    took = np.where((starts > 0) & (ends > starts), ends - starts, np.uint64(0)).astype(np.float64)
    for at in (took > CLOCK_NANO).nonzero()[0].tolist():
        took[at] = took_nano(int(starts[at]), int(ends[at]), wall_at)
    took /= 1e9
    return took
