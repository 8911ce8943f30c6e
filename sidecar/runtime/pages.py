"""The latest exposition of every source, encoded and compressed once per scrape, joined at each GET."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sidecar.codec.exposition import encode_header, encode_samples
from sidecar.model.family import Family, FamilySamples, Sample

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
    samples: bytes


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

    def put(self, source: str, families: Sequence[FamilySamples]) -> None:
        """Show `families` from now on as what `source` has."""
        before = self._sources.get(source, {})
        page = self._encode(families, before)
        same_layout = list(before) == list(page)
        self._sources[source] = page
        if not same_layout:
            self._parts = self._layout()
            self._chunks = {part: self._chunks[part] for part in self._parts if part in self._chunks}
        for part in self._parts:
            if source in part.sources or part not in self._chunks:
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

    def _encode(self, families: Sequence[FamilySamples], before: Mapping[str, _Encoded]) -> dict[str, _Encoded]:
        page: dict[str, _Encoded] = {}
        for family, samples in _merged([given for given in families if given.samples]):
            unique = _unique(samples)
            self.duplicates += len(samples) - len(unique)
            earlier = before.get(family.name)
            header = earlier.header if earlier and earlier.family is family else encode_header(family)
            page[family.name] = _Encoded(family, header, encode_samples(unique))
        return page

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
        first = self._sources[part.sources[0]]
        pieces = []
        for name in part.families:
            pieces.append(first[name].header)
            pieces += [self._sources[source][name].samples for source in part.sources]
        text = b"".join(pieces)
        deflate = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        return _Chunk(text, deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH))


def _merged(families: Sequence[FamilySamples]) -> list[FamilySamples]:
    """Return `families` with the samples of one that was given several times under its first mention."""
    merged: dict[str, FamilySamples] = {}
    for family, samples in families:
        earlier = merged.get(family.name)
        merged[family.name] = (
            FamilySamples(family, samples)
            if earlier is None
            else earlier._replace(samples=[*earlier.samples, *samples])
        )
    return list(merged.values())


def _unique(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Return `samples` without those whose series came before; the same object if there are none."""
    if len(samples) < 2:
        return samples
    series = {sample[:2] for sample in samples}
    if len(series) == len(samples):
        return samples
    first: dict[object, Sample] = {}
    for sample in samples:
        first.setdefault(sample[:2], sample)
    return list(first.values())
