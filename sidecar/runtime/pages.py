"""The latest exposition of every source: encoded once per scrape, compressed once per scrape and format."""

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sidecar.codec.exposition import Format, encode_header, encode_samples, whole_counters
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels

Read = Callable[[], Sequence[FamilySamples]]

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, unknown system (RFC 1952)."""

COMPRESSION_LEVEL = 1
"""Exposition repeats itself so much that higher levels cost several times the time for a quarter of the size."""

WANTED_SECONDS = 300.0
"""How long after a GET its format is kept compressed. Prometheus looks back as far, so nobody scrapes more rarely."""


class _Part(NamedTuple):
    """What is compressed as one: the families that only one source has, or one family that several sources have."""

    sources: tuple[str, ...]
    families: tuple[str, ...]


class _Encoded(NamedTuple):
    """A family of one source; its headers are made when somebody asks for them."""

    family: Family
    headers: dict[tuple[Format, bool], bytes]
    samples: list[bytes]

    def header(self, form: Format, whole: bool) -> bytes:
        key = (form, whole)
        return self.headers.get(key) or self.headers.setdefault(key, encode_header(self.family, form, whole=whole))


_Page = Mapping[str, _Encoded]


class Pages:
    """Everything that GET /metrics shows.

    Sources come in the order of their names, and after them the families that several sources share, so that each
    family stands once, under one HELP and TYPE. `duplicates` counts series that a source gave twice: the first stays.

    What only one source has is compressed as it comes, in the formats that were asked for lately. All else is
    compressed at the GET. Either way it is kept until a source of it changes.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.duplicates = 0
        self._monotonic = monotonic
        self._sources: dict[str, _Page] = {}
        self._live: dict[str, Read] = {}
        self._parts: dict[_Part, None] = {}
        self._whole: frozenset[str] = frozenset()
        self._deflated: dict[tuple[Format, _Part], bytes] = {}
        self._asked: dict[Format, float] = {}

    def put(self, source: str, families: Iterable[FamilySamples]) -> None:
        """Show `families` from now on as what `source` has."""
        for _ in self.put_in_steps(source, families):
            pass

    def put_in_steps(self, source: str, families: Iterable[FamilySamples]) -> Iterator[None]:
        """Do the same in steps, between which others may work on these pages too.

        Each item of `families` is a step or a few, so a large family should come in parts. The page changes in the
        last step, as a whole; when the steps are not all done, it does not change.
        """
        return self._put(source, families, self._wanted())

    def add_live(self, source: str, read: Read) -> None:
        """Ask `read` at each GET for what `source` has."""
        self._live[source] = read

    def remove(self, source: str) -> None:
        """Show nothing of `source` any more."""
        self._live.pop(source, None)
        self._change(source, {})
        del self._sources[source]

    def types(self, but: str) -> dict[str, MetricType]:
        """Return the type of every family that any source shows, `but` itself not asked."""
        if not self._live.keys() <= self._sources.keys():
            self._read_live()
        pages = [page for source, page in self._sources.items() if source != but]
        return {name: held.family.type for page in pages for name, held in page.items()}

    def render(self, form: Format = Format.TEXT) -> bytes:
        """Return the page as text."""
        self._read_live()
        return b"".join([*self._pieces(form), form.value])

    def render_gzip(self, form: Format = Format.TEXT) -> bytes:
        """Return the page as one gzip member."""
        self._read_live()
        self._asked[form] = self._monotonic()
        for _ in self._compress(form, self._parts):
            pass
        checksum, size = 0, 0
        for piece in (*self._pieces(form), form.value):
            checksum = zlib.crc32(piece, checksum)
            size += len(piece)
        trailer = checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join([GZIP_HEADER, *[self._deflated[form, part] for part in self._parts], LAST_BLOCK[form], trailer])

    def compress_in_steps(self, form: Format) -> Iterator[None]:
        """Do beforehand what may take long in `render_gzip`, in steps, between which others may work on these pages."""
        return self._compress(form, [part for part in self._parts if self._live.keys().isdisjoint(part.sources)])

    def _wanted(self) -> list[Format]:
        now = self._monotonic()
        return [form for form, asked in self._asked.items() if now - asked < WANTED_SECONDS]

    def _read_live(self) -> None:
        for source, read in self._live.items():
            for _ in self._put(source, read(), ()):
                pass

    def _put(self, source: str, families: Iterable[FamilySamples], forms: Iterable[Format]) -> Iterator[None]:
        page = yield from self._encode(families, self._sources.get(source, {}))
        own, whole = self._own_part(source, page), self._whole
        deflated = {}
        for form in forms:
            deflated[form, own] = yield from _deflate(_pieces(own, [page], form, whole))
        self._change(source, page)
        # If others changed meanwhile what is shared or what stays whole, it is done again at the GET.
        if own in self._parts and whole == self._whole:
            self._deflated |= deflated

    def _encode(self, families: Iterable[FamilySamples], before: _Page) -> Generator[None, None, _Page]:
        page: dict[str, _Encoded] = {}
        seen: dict[str, set[tuple[str, Labels]]] = {}
        for family, given in families:
            unique = _unseen(given, seen.setdefault(family.name, set()))
            self.duplicates += len(given) - len(unique)
            if unique and family.name not in page:
                earlier = before.get(family.name)
                page[family.name] = _Encoded(
                    family, earlier.headers if earlier and earlier.family == family else {}, []
                )
            if unique:
                page[family.name].samples.append(encode_samples(unique))
            yield
        return page

    def _compress(self, form: Format, parts: Iterable[_Part]) -> Iterator[None]:
        for part in parts:
            if part in self._parts and (form, part) not in self._deflated:
                pages, whole = self._held(part), self._whole
                deflated = yield from _deflate(_pieces(part, pages, form, whole))
                if part in self._parts and pages == self._held(part) and whole == self._whole:
                    self._deflated[form, part] = deflated

    def _change(self, source: str, page: _Page) -> None:
        same_layout = _names_and_types(self._sources.get(source, {})) == _names_and_types(page)
        self._sources[source] = page
        if not same_layout:
            self._arrange()
        self._deflated = {
            (form, part): deflated
            for (form, part), deflated in self._deflated.items()
            if source not in part.sources and part in self._parts
        }

    def _arrange(self) -> None:
        self._parts = dict.fromkeys(self._layout())
        whole = whole_counters(held.family for page in self._sources.values() for held in page.values())
        if whole != self._whole:
            self._whole = whole
            self._deflated.clear()

    def _own_part(self, source: str, page: _Page) -> _Part:
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

    def _held(self, part: _Part) -> list[_Page]:
        return [self._sources[source] for source in part.sources]

    def _pieces(self, form: Format) -> Iterator[bytes]:
        for part in self._parts:
            yield from _pieces(part, self._held(part), form, self._whole)


def _names_and_types(page: _Page) -> list[tuple[str, MetricType]]:
    return [(name, held.family.type) for name, held in page.items()]


def _pieces(part: _Part, pages: Sequence[_Page], form: Format, whole: frozenset[str]) -> Iterator[bytes]:
    """Return the text of `part` piece by piece; `pages` are those of its sources."""
    for name in part.families:
        yield pages[0][name].header(form, name in whole)
        for page in pages:
            yield from page[name].samples


def _deflate(pieces: Iterable[bytes]) -> Generator[None, None, bytes]:
    """Return `pieces` compressed to stand among others: refers to nothing before it and ends at a full byte."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = []
    for piece in pieces:
        deflated.append(compressor.compress(piece))
        yield
    return b"".join([*deflated, compressor.flush(zlib.Z_FULL_FLUSH)])


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


def _last_block(text: bytes) -> bytes:
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_FINISH)


LAST_BLOCK = {form: _last_block(form.value) for form in Format}
"""What ends a page and its deflate stream: all before it ends in a full flush (RFC 1951)."""
