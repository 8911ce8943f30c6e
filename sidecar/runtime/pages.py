"""The latest exposition of every source: encoded and compressed once per scrape and format, for those who ask."""

import asyncio
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sidecar.codec.exposition import Format, encode_header, encode_series, encode_values, whole_counters, with_exemplars
from sidecar.model.family import NO_EXEMPLARS, Exemplar, Family, FamilySamples, MetricType, Sample
from sidecar.model.sample_columns import SeriesKey, keys_of, same_samples, same_series
from sidecar.model.steps import Steps

Read = Callable[[], Sequence[FamilySamples]]

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Deflate, no name, no time, unknown system (RFC 1952)."""

COMPRESSION_LEVEL = 1
"""Exposition repeats itself so much that higher levels cost several times the time for a quarter of the size."""

WANTED_SECONDS = 300.0
"""How long after a GET its format is kept ready. Prometheus looks back as far, so nobody scrapes more rarely."""


class _Part(NamedTuple):
    """What is compressed as one: the families that only one source has, or one family that several sources have."""

    sources: tuple[str, ...]
    families: tuple[str, ...]


class _Wanted(NamedTuple):
    """The formats that somebody asked for lately: in any way, and compressed."""

    texts: Collection[Format] = ()
    compressed: Collection[Format] = ()


class _Lines:
    """A part of a family of one source, encoded when somebody asks for it.

    The begins of its lines are those of `earlier`, which has the same series.
    """

    __slots__ = ("_begins", "_exemplified", "_plain", "exemplars", "samples")

    def __init__(
        self, samples: Sequence[Sample], exemplars: Mapping[int, Exemplar], earlier: "_Lines | None" = None
    ) -> None:
        self.samples = samples
        self.exemplars = exemplars
        self._begins: list[str] | None = earlier._begins if earlier else None
        self._plain: bytes | None = None
        self._exemplified: bytes | None = None

    def text(self, form: Format) -> bytes:
        if self._plain is None:
            if self._begins is None:
                self._begins = encode_series(self.samples)
            self._plain = encode_values(self._begins, self.samples)
        if form is Format.TEXT or not self.exemplars:
            return self._plain
        if self._exemplified is None:
            self._exemplified = with_exemplars(self._plain, self.exemplars)
        return self._exemplified


class _Encoded:
    """A family of one source; its headers are made when somebody asks for them.

    The series of a scrape are those of the scrape before it, mostly: as long as a part has those of the part in the
    same place `before`, neither are they encoded again nor is it asked whether one comes twice. Most have the same
    values too, and then the part is that one.
    """

    def __init__(self, family: Family, before: "_Encoded | None") -> None:
        self.family = family
        self.parts: list[_Lines] = []
        self._headers: dict[tuple[Format, bool], bytes] = before._headers if before and before.family == family else {}
        self._seen: set[SeriesKey] | None = None

    def header(self, form: Format, whole: bool) -> bytes:
        key = (form, whole)
        return self._headers.get(key) or self._headers.setdefault(key, encode_header(self.family, form, whole=whole))

    def add(self, given: FamilySamples, before: "_Encoded | None") -> int:
        """Add the samples of `given`, each series once; return how many were left out."""
        samples = given.samples
        at = len(self.parts)
        earlier = before.parts[at] if self._seen is None and before and at < len(before.parts) else None
        if earlier and same_samples(earlier.samples, samples) and earlier.exemplars == given.exemplars:
            self.parts.append(earlier)
            return 0
        if earlier and same_series(earlier.samples, samples):
            self.parts.append(_Lines(samples, given.exemplars, earlier))
            return 0
        if self._seen is None:
            self._seen = {key for part in self.parts for key in keys_of(part.samples)}
        unique = _unseen(samples, keys_of(samples), self._seen)
        if unique:
            exemplars = given.exemplars if unique is samples else NO_EXEMPLARS  # their places are those of all samples
            self.parts.append(_Lines(unique, exemplars))
        return len(samples) - len(unique)

    def encode_last(self, forms: Iterable[Format]) -> None:
        """Encode what was added last."""
        for form in forms if self.parts else ():
            self.parts[-1].text(form)

    def finish(self) -> None:
        """Forget what is of use as long as samples come."""
        self._seen = None


_Page = Mapping[str, _Encoded]


class Pages:
    """Everything that GET /metrics shows.

    Sources come in the order of their names, and after them the families that several sources share, so that each
    family stands once, under one HELP and TYPE. `duplicates` counts series that a source gave twice: the first stays.

    What comes is encoded in the formats that were asked for lately, and what only one source has is compressed if that
    was asked for. All else is done at the GET. Either way it is kept until a source of it changes.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.duplicates = 0
        self._monotonic = monotonic
        self._sources: dict[str, _Page] = {}
        self._live: dict[str, Read] = {}
        self._putting: dict[str, object] = {}
        self._parts: dict[_Part, None] = {}
        self._whole: frozenset[str] = frozenset()
        self._deflated: dict[tuple[Format, _Part], bytes] = {}
        self._asked: dict[Format, float] = {}
        self._asked_compressed: dict[Format, float] = {}
        self._preparing = {form: asyncio.Lock() for form in Format}

    def put(self, source: str, families: Iterable[FamilySamples]) -> None:
        """Show `families` from now on as what `source` has."""
        for _ in self.put_in_steps(source, families):
            pass

    def put_in_steps(self, source: str, families: Iterable[FamilySamples]) -> Iterator[None]:
        """Do the same in steps, between which others may work on these pages too.

        Each item of `families` is a step or a few, so a large family should come in parts. The page changes in the
        last step, as a whole; when the steps are not all done, it does not change. It does not either when another put
        of the source began meanwhile, or the source was removed: the one that began last is shown.
        """
        return self.put_together({source: families})

    def put_together(self, shown: Mapping[str, Iterable[FamilySamples]]) -> Iterator[None]:
        """Do the same for several sources, whose pages all change in the same step."""
        return self._put(shown, self._wanted())

    def add_live(self, source: str, read: Read) -> None:
        """Ask `read` at each GET for what `source` has."""
        self._live[source] = read

    def remove(self, source: str) -> None:
        """Show nothing of `source` any more."""
        self._live.pop(source, None)
        self._putting.pop(source, None)
        self._change(source, {})
        del self._sources[source]

    def types(self, *but: str) -> dict[str, MetricType]:
        """Return the type of every family that any source shows, those in `but` not asked."""
        if not self._live.keys() <= self._sources.keys():
            self._read_live()
        pages = [page for source, page in self._sources.items() if source not in but]
        return {name: held.family.type for page in pages for name, held in page.items()}

    def render(self, form: Format = Format.TEXT) -> bytes:
        """Return the page as text."""
        self._read_live()
        self._asked[form] = self._monotonic()
        return b"".join([*self._pieces(form), form.value])

    def render_gzip(self, form: Format = Format.TEXT) -> bytes:
        """Return the page as one gzip member."""
        self._read_live()
        self._asked[form] = self._asked_compressed[form] = self._monotonic()
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

    def encode_in_steps(self, form: Format) -> Iterator[None]:
        """Do the same for `render`."""
        for page in [*self._sources.values()]:
            for held in [*page.values()]:
                for lines in held.parts:
                    lines.text(form)
                    yield

    async def prepare(self, form: Format, *, compressed: bool) -> None:
        """Do the one or the other, once for all who ask for it at a time."""
        async with self._preparing[form]:
            for _ in self.compress_in_steps(form) if compressed else self.encode_in_steps(form):
                await asyncio.sleep(0)

    def _wanted(self) -> _Wanted:
        since = self._monotonic() - WANTED_SECONDS
        lately = [{form for form, at in asked.items() if at > since} for asked in (self._asked, self._asked_compressed)]
        return _Wanted(*lately)

    def _read_live(self) -> None:
        for source, read in self._live.items():
            for _ in self._put({source: read()}, _Wanted()):
                pass

    def _put(self, shown: Mapping[str, Iterable[FamilySamples]], wanted: _Wanted) -> Iterator[None]:
        turn = object()
        self._putting.update(dict.fromkeys(shown, turn))
        pages = {}
        for source, families in shown.items():
            pages[source] = yield from self._encode(families, self._sources.get(source, {}), wanted.texts)
        whole, deflated = self._whole, {}
        for form in wanted.compressed:
            for source, page in pages.items():
                own = _own_part(source, self._sources | pages)
                deflated[form, own] = yield from _deflate(_pieces(own, [page], form, whole))
        mine = [source for source in pages if self._putting.get(source) is turn]
        for source in mine:
            del self._putting[source]
            self._change(source, pages[source])
        # If others changed meanwhile what is shared or what stays whole, it is done again at the GET.
        if whole == self._whole:
            fitting = {part for part in self._parts if part.sources[0] in mine}
            self._deflated |= {key: text for key, text in deflated.items() if key[1] in fitting}

    def _encode(self, families: Iterable[FamilySamples], before: _Page, forms: Collection[Format]) -> Steps[_Page]:
        page: dict[str, _Encoded] = {}
        for given in families:
            family = given.family
            earlier = before.get(family.name)
            if given.samples and family.name not in page:
                page[family.name] = _Encoded(family, earlier)
            if given.samples:
                self.duplicates += page[family.name].add(given, earlier)
                page[family.name].encode_last(forms)
            yield
        for held in page.values():
            held.finish()
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


def _own_part(source: str, sources: Mapping[str, _Page]) -> _Part:
    others = [page for name, page in sources.items() if name != source]
    return _Part((source,), tuple(name for name in sources[source] if not any(name in page for page in others)))


def _names_and_types(page: _Page) -> list[tuple[str, MetricType]]:
    return [(name, held.family.type) for name, held in page.items()]


def _pieces(part: _Part, pages: Sequence[_Page], form: Format, whole: frozenset[str]) -> Iterator[bytes]:
    """Return the text of `part` piece by piece; `pages` are those of its sources."""
    for name in part.families:
        yield pages[0][name].header(form, name in whole)
        for page in pages:
            for lines in page[name].parts:
                yield lines.text(form)


def _deflate(pieces: Iterable[bytes]) -> Steps[bytes]:
    """Return `pieces` compressed to stand among others: refers to nothing before it and ends at a full byte."""
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = []
    for piece in pieces:
        deflated.append(compressor.compress(piece))
        yield
    return b"".join([*deflated, compressor.flush(zlib.Z_FULL_FLUSH)])


def _unseen(samples: Sequence[Sample], keys: Sequence[SeriesKey], seen: set[SeriesKey]) -> Sequence[Sample]:
    """Return `samples` without those whose key is in `seen`, and add them; the same object if there are none."""
    fresh = set(keys)
    if len(fresh) == len(samples) and seen.isdisjoint(fresh):
        seen |= fresh
        return samples
    unseen = []
    for sample, key in zip(samples, keys, strict=True):
        if key not in seen:
            seen.add(key)
            unseen.append(sample)
    return unseen


def _last_block(text: bytes) -> bytes:
    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(text) + compressor.flush(zlib.Z_FINISH)


LAST_BLOCK = {form: _last_block(form.value) for form in Format}
"""What ends a page and its deflate stream: all before it ends in a full flush (RFC 1951)."""
