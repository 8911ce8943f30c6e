"""The latest exposition of every source, encoded and compressed once per scrape, joined at each GET."""

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sidecar.codec.exposition import encode_header, encode_samples
from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels

Read = Callable[[], Sequence[FamilySamples]]

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, unknown system (RFC 1952)."""

LAST_BLOCK = b"\x03\x00"
"""An empty final deflate block: each chunk ends in a full flush, so this is all that is missing (RFC 1951)."""

COMPRESSION_LEVEL = 1
"""Exposition repeats itself so much that higher levels cost several times the time for a quarter of the size."""


class _Part(NamedTuple):
    """What is compressed as one: the families that only one source has, or one family that several sources have."""

    sources: tuple[str, ...]
    families: tuple[str, ...]


class _Chunk(NamedTuple):
    text: bytes
    deflated: bytes


class _Encoded(NamedTuple):
    family: Family
    header: bytes
    samples: list[bytes]

    def pieces(self) -> list[bytes]:
        return [self.header, *self.samples]


class Pages:
    """Everything that GET /metrics shows.

    Sources come in the order of their names, and after them the families that several sources share, so that each
    family stands once, under one HELP and TYPE. `duplicates` counts series that a source gave twice: the first stays.
    """

    def __init__(self) -> None:
        self.duplicates = 0
        self._sources: dict[str, dict[str, _Encoded]] = {}
        self._live: dict[str, Read] = {}
        self._chunks: dict[_Part, _Chunk] = {}
        self._parts: list[_Part] = []

    def put(self, source: str, families: Iterable[FamilySamples]) -> None:
        """Show `families` from now on as what `source` has."""
        for _ in self.put_in_steps(source, families):
            pass

    def put_in_steps(self, source: str, families: Iterable[FamilySamples]) -> Iterator[None]:
        """Do the same in steps, between which others may work on these pages too.

        Each item of `families` is a few steps, so a large family should come in parts. The page changes in the last
        step, as a whole; when the steps are not all done, it does not change.
        """
        page = yield from self._encode(families, self._sources.get(source, {}))
        own = self._own_part(source, page)
        compression = _Compression()
        for name in own.families:
            for piece in page[name].pieces():
                compression.add(piece)
                yield
        same_layout = list(self._sources.get(source, {})) == list(page)
        self._sources[source] = page
        if not same_layout:
            self._parts = self._layout()
            self._chunks = {part: self._chunks[part] for part in self._parts if part in self._chunks}
        for part in self._parts:
            if part == own:
                self._chunks[part] = compression.chunk()
            elif source in part.sources or part not in self._chunks:
                self._chunks[part] = self._build(part)

    def add_live(self, source: str, read: Read) -> None:
        """Ask `read` at each GET for what `source` has."""
        self._live[source] = read

    def remove(self, source: str) -> None:
        """Show nothing of `source` any more."""
        self._live.pop(source, None)
        self.put(source, [])
        del self._sources[source]

    def render(self) -> bytes:
        """Return the page as text."""
        self._read_live()
        return b"".join([self._chunks[part].text for part in self._parts])

    def render_gzip(self) -> bytes:
        """Return the page as one gzip member."""
        self._read_live()
        chunks = [self._chunks[part] for part in self._parts]
        checksum, size = 0, 0
        for chunk in chunks:
            checksum = zlib.crc32(chunk.text, checksum)
            size += len(chunk.text)
        trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join([GZIP_HEADER, *[chunk.deflated for chunk in chunks], LAST_BLOCK, trailer])

    def _read_live(self) -> None:
        for source, read in self._live.items():
            self.put(source, read())

    def _encode(
        self, families: Iterable[FamilySamples], before: Mapping[str, _Encoded]
    ) -> Generator[None, None, dict[str, _Encoded]]:
        page: dict[str, _Encoded] = {}
        seen: dict[str, set[tuple[str, Labels]]] = {}
        for family, given in families:
            unique = _unseen(given, seen.setdefault(family.name, set()))
            self.duplicates += len(given) - len(unique)
            if unique and family.name not in page:
                earlier = before.get(family.name)
                header = earlier.header if earlier and earlier.family is family else encode_header(family)
                page[family.name] = _Encoded(family, header, [])
            if unique:
                page[family.name].samples.append(encode_samples(unique))
            yield
        return page

    def _own_part(self, source: str, page: Mapping[str, _Encoded]) -> _Part:
        others = [held for name, held in self._sources.items() if name != source]
        return _Part((source,), tuple(name for name in page if not any(name in held for held in others)))

    def _layout(self) -> list[_Part]:
        holders: dict[str, list[str]] = {}
        for source in sorted(self._sources):
            for name in self._sources[source]:
                holders.setdefault(name, []).append(source)
        own: dict[str, list[str]] = {}
        for name, sources in holders.items():
            if len(sources) == 1:
                own.setdefault(sources[0], []).append(name)
        shared = [_Part(tuple(sources), (name,)) for name, sources in sorted(holders.items()) if len(sources) > 1]
        return [_Part((source,), tuple(names)) for source, names in sorted(own.items())] + shared

    def _build(self, part: _Part) -> _Chunk:
        first, *others = [self._sources[source] for source in part.sources]
        pieces = [piece for name in part.families for piece in first[name].pieces()]
        pieces += [piece for name in part.families for held in others for piece in held[name].samples]
        compression = _Compression()
        for piece in pieces:
            compression.add(piece)
        return compression.chunk()


class _Compression:
    """A chunk in the making, piece by piece."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._pieces: list[bytes] = []
        self._deflated: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._deflated.append(self._deflate.compress(piece))

    def chunk(self) -> _Chunk:
        return _Chunk(b"".join(self._pieces), b"".join([*self._deflated, self._deflate.flush(zlib.Z_FULL_FLUSH)]))


def _unseen(samples: Sequence[Sample], seen: set[tuple[str, Labels]]) -> Sequence[Sample]:
    """Return `samples` without those whose series is in `seen`, and add them; the same object if there are none."""
    series = [sample[:2] for sample in samples]
    fresh = set(series)
    if len(fresh) == len(samples) and seen.isdisjoint(fresh):
        seen |= fresh
        return samples
    unseen = []
    for sample, key in zip(samples, series, strict=True):
        if key not in seen:
            seen.add(key)
            unseen.append(sample)
    return unseen
