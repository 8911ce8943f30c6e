"""Finding the calls to databases in a batch, and the query of each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.codec.otlp.attributes import attributes_of
from sidecar.fingerprint.outline import outline
from sidecar.fingerprint.systems import CACHES, name_of
from sidecar.spans.database_call import NONE
from sidecar.spans.per_shape import PerShape
from sidecar.spans.queries.query import BATCH, STATEMENT_LENGTH, Query
from sidecar.spans.queries.statistics import QueryStatistics
from sidecar.spans.shape import ObservedSpans, SpanShape

_REMEMBERED = 4096
_REMEMBERED_BYTES = 2 << 20
"""Texts in a generation of those that are remembered, of which there are two."""
CHARACTERS = 64 << 10
"""Characters of texts not seen before that are read in a batch, 5 ms; calls with further ones count as `(not read)`."""
_CHEAPER = 8
"""So many times less than to read a text it takes to find that one like it is known."""
NOT_READ = "(not read)"


class DatabaseCalls(NamedTuple):
    """Calls in a batch: their places among the counted spans, and the query of each."""

    places: NDArray[np.int64]
    queries: list[Query]


class _Texts:
    """Texts of a service and system that were seen, in wire form, and their outlines; `known` stays the same object."""

    def __init__(self) -> None:
        self.known: dict[bytes | str, Query] = {}
        self.older: dict[bytes | str, Query] = {}

    def get(self, text: bytes | str) -> Query | None:
        return self.known.get(text) or self.older.get(text)

    def turn(self) -> None:
        self.older = dict(self.known)
        self.known.clear()


class _Source:
    """Spans of one shape: whose calls they are."""

    __slots__ = ("by_driver", "fallback", "has_outlines", "is_batch", "known", "service", "system", "texts")

    def __init__(self, shape: SpanShape, texts: _Texts) -> None:
        system, operation, collection = shape.database_call or ("", "", "")
        self.service, self.system = shape.service, system
        self.has_outlines = name_of(system) not in CACHES
        self.is_batch, self.by_driver = shape.is_batch, shape.by_driver
        self.fallback = " ".join(part for part in (operation, collection) if part not in ("", NONE)) or NONE
        self.texts = texts
        self.known = texts.known


class QueryFinder:
    """Gives each call its query, by the bytes of the attribute that holds the text.

    A text that was seen is known at once, one of the last 4,096 at least, or of as many as are 2 MB. Of one that
    differs from such a text in values only, as a rule nothing but the outline is read. Calls without a text are told
    apart by operation and collection, and batches from single calls. `masked` is given a system and a text, and returns
    the statement without its values.
    """

    def __init__(self, statistics: QueryStatistics, masked: Callable[[str, str], str]) -> None:
        self._masked = masked
        self._statistics = statistics
        self._generation = statistics.generation
        self._is_call = PerShape(lambda shape: shape.database_call is not None, np.bool_)
        self._sources: dict[int, _Source] = {}
        self._texts: dict[tuple[str, str, bool, bool], _Texts] = {}
        self._count = self._bytes = 0
        self._room = CHARACTERS

    def find(self, spans: ObservedSpans) -> DatabaseCalls:
        """Return the calls of a batch."""
        if spans.shapes is not self._is_call.shapes or self._generation != self._statistics.generation:
            self._forget()
        self._room = CHARACTERS
        places = self._is_call.of(spans)[spans.indexes].nonzero()[0]
        queries = []
        for text, index in zip(spans.texts[places].tolist(), spans.indexes[places].tolist(), strict=True):
            source = self._sources.get(index) or self._source_at(index, spans.shapes)
            queries.append(source.known.get(text) or self._look_up(source, text))
        return DatabaseCalls(places, queries)

    def _forget(self) -> None:
        """Begin anew: with other shapes, or because queries have left the statistics."""
        self._generation = self._statistics.generation
        self._sources = {}
        self._texts, self._count, self._bytes = {}, 0, 0

    def _source_at(self, index: int, shapes: Sequence[SpanShape]) -> _Source:
        source = self._sources[index] = self._source_of(shapes[index])
        return source

    def _source_of(self, shape: SpanShape) -> _Source:
        source = _Source(shape, _Texts())
        of = (source.service, source.system, source.is_batch, source.by_driver)
        texts = self._texts.setdefault(of, source.texts)
        source.texts, source.known = texts, texts.known
        return source

    def _look_up(self, source: _Source, raw: bytes | None) -> Query:
        """Return the query of a call whose text is not known, or that has none."""
        if raw is None:
            return self._query_of(source, source.fallback)
        query = source.texts.older.get(raw) or self._read(source, raw)
        if query.statement != NOT_READ:
            self._remember(source, raw, query)
        return query

    def _read(self, source: _Source, raw: bytes) -> Query:
        if self._room <= 0:
            return self._query_of(source, NOT_READ)
        text = str(next(iter(attributes_of([raw]).values()), None) or "")
        brief = outline(text) if source.has_outlines else None
        query = source.texts.get(brief) if brief else None
        self._room -= len(raw) // _CHEAPER if query else len(raw)
        if query is None:
            query = self._query_of(source, self._masked(source.system, text)[:STATEMENT_LENGTH] or source.fallback)
        if brief:
            self._remember(source, brief, query)
        return query

    def _query_of(self, source: _Source, statement: str) -> Query:
        if source.is_batch and statement != NOT_READ:
            statement = f"{BATCH} {statement}"
        return self._statistics.query_of(source.service, source.system, statement, by_driver=source.by_driver)

    def _remember(self, source: _Source, text: bytes | str, query: Query) -> None:
        if text in source.known:
            return
        if self._count >= _REMEMBERED or self._bytes + len(text) > _REMEMBERED_BYTES:
            for texts in self._texts.values():
                texts.turn()
            self._count = self._bytes = 0
        self._count += 1
        self._bytes += len(text)
        source.known[text] = query
