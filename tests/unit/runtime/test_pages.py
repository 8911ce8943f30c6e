"""Pages: one family group each, gzip equal to text in both formats, and nothing encoded or compressed for nobody."""

import asyncio
import gzip
from collections.abc import Generator, Iterable, Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from sidecar.codec.exposition import Format, encode_series, encode_values
from sidecar.model.family import Exemplar, ExemplifiedSamples, Family, FamilySamples, MetricType, Sample
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.runtime import pages as pages_module
from sidecar.runtime.pages import WANTED_SECONDS, Pages
from tests.fakes import FakeClock
from tests.openmetrics import openmetrics_families


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pages(clock: FakeClock) -> Pages:
    return Pages(clock.monotonic)


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pieces of text that were compressed."""
    pieces: list[bytes] = []
    deflate = pages_module._deflate

    def record(given: Iterable[bytes]) -> Generator[None, None, bytes]:
        taken = list(given)
        pieces.extend(taken)
        return deflate(taken)

    monkeypatch.setattr(pages_module, "_deflate", record)
    return pieces


def unpacked(pages: Pages, form: Format = Format.TEXT) -> bytes:
    """Return the compressed page as text; it must be what the plain one is."""
    text = gzip.decompress(pages.render_gzip(form))
    assert text == pages.render(form)
    return text


def gauge(name: str, *values: float, **labels: str) -> FamilySamples:
    """Return a gauge with one sample per value, told apart by the label `n`."""
    pairs = tuple(sorted(labels.items()))
    samples = [Sample(name, (("n", str(n)), *pairs), value) for n, value in enumerate(values)]
    return FamilySamples(Family(name, MetricType.GAUGE, f"Help of {name}."), samples)


def names_on(page: bytes) -> list[str]:
    return [metric.name for metric in text_string_to_metric_families(page.decode())]


def test_sources_come_in_the_order_of_their_names_and_families_as_given(pages: Pages) -> None:
    pages.put("b", [gauge("z", 1), gauge("y", 2)])
    pages.put("a", [gauge("x", 3)])
    assert names_on(pages.render()) == ["x", "z", "y"]


def test_family_of_several_sources_is_one_group(pages: Pages) -> None:
    pages.put("a", [gauge("shared", 1, target="a"), gauge("own", 1)])
    pages.put("b", [gauge("shared", 2, target="b")])
    text = pages.render().decode()
    assert text.count("# TYPE shared ") == 1
    assert text.endswith('shared{n="0",target="a"} 1\nshared{n="0",target="b"} 2\n')


def test_family_stops_being_shared_when_a_source_goes(pages: Pages) -> None:
    pages.put("a", [gauge("shared", 1, target="a")])
    pages.put("b", [gauge("shared", 2, target="b")])
    pages.remove("a")
    assert pages.render().decode().splitlines()[2:] == ['shared{n="0",target="b"} 2']


def test_put_replaces_what_the_source_had(pages: Pages) -> None:
    pages.put("a", [gauge("x", 1), gauge("gone", 1)])
    pages.put("a", [gauge("x", 2)])
    assert pages.render().decode().splitlines()[2:] == ['x{n="0"} 2']


@pytest.mark.parametrize("form", Format)
def test_gzip_is_one_member_of_the_same_text(pages: Pages, form: Format) -> None:
    assert unpacked(pages, form) == form.value
    pages.put("a", [gauge("x", *range(1000)), gauge("shared", 1, target="a")])
    pages.put("b", [gauge("y", *range(1000)), gauge("shared", 1, target="b")])
    assert unpacked(pages, form).count(b"\n") == 2008 + form.value.count(b"\n")
    pages.put("b", [gauge("y", 7)])
    assert unpacked(pages, form).endswith(b'y{n="0"} 7\n' + form.value)


def test_live_source_is_read_at_each_get(pages: Pages) -> None:
    values = iter((1.0, 2.0))

    def read() -> Sequence[FamilySamples]:
        return [gauge("live", next(values))]

    pages.add_live("self", read)
    assert pages.render().endswith(b" 1\n")
    assert gzip.decompress(pages.render_gzip()).endswith(b" 2\n")


def test_first_of_two_equal_series_stays_and_the_other_is_counted(pages: Pages) -> None:
    pages.put("a", [gauge("x", 1, 2), gauge("x", 3)])
    assert pages.render().decode().splitlines()[2:] == ['x{n="0"} 1', 'x{n="1"} 2']
    assert pages.duplicates == 1


def test_family_without_samples_is_not_shown(pages: Pages) -> None:
    pages.put("a", [gauge("empty"), gauge("x", 1)])
    assert names_on(pages.render()) == ["x"]


def test_parts_of_a_family_are_one_group_and_a_series_in_two_of_them_counts_once(pages: Pages) -> None:
    first, second = gauge("x", 1, 2), gauge("x", 7, 8, part="2")
    pages.put("a", [first, gauge("y", 1), second, first])
    assert pages.render().decode().splitlines()[1:6] == [
        "# TYPE x gauge",
        'x{n="0"} 1',
        'x{n="1"} 2',
        'x{n="0",part="2"} 7',
        'x{n="1",part="2"} 8',
    ]
    assert pages.duplicates == 2


def test_steps_change_the_page_as_a_whole_and_only_at_the_last(pages: Pages) -> None:
    pages.put("a", [gauge("x", 1)])
    before = unpacked(pages)
    steps = pages.put_in_steps("a", [gauge("x", 2), gauge("y", 3), gauge("x", 4, part="2")])
    seen = []
    for _ in steps:
        assert pages.render() == before
        seen.append(gzip.decompress(pages.render_gzip()) == before)
    assert len(seen) >= 6
    assert all(seen)
    assert names_on(unpacked(pages)) == ["x", "y"]


def test_of_two_puts_of_a_source_the_one_that_began_last_is_shown_whichever_ends_first(pages: Pages) -> None:
    older, newer = pages.put_in_steps("a", [gauge("x", 1)]), pages.put_in_steps("a", [gauge("x", 2)])
    next(older)
    next(newer)
    list(newer)
    list(older)
    assert unpacked(pages).endswith(b'x{n="0"} 2\n')


def test_source_that_goes_in_the_middle_of_its_put_stays_away(pages: Pages) -> None:
    steps = pages.put_in_steps("a", [gauge("x", 1), gauge("y", 1)])
    next(steps)
    pages.remove("a")
    list(steps)
    assert unpacked(pages) == b""


def test_sources_that_are_put_together_change_in_the_same_step(pages: Pages) -> None:
    unpacked(pages)
    pages.put("app", [gauge("x", 1)])
    before = unpacked(pages)
    for _ in pages.put_together({"redis": [gauge("x", 7)], "app": [gauge("x", 1, target="app")]}):
        assert unpacked(pages) == before
    assert unpacked(pages).splitlines()[2:] == [b'x{n="0",target="app"} 1', b'x{n="0"} 7']


@pytest.mark.parametrize("form", Format)
def test_others_may_change_their_pages_between_two_steps(clock: FakeClock, form: Format) -> None:
    for at in range(10):
        pages = Pages(clock.monotonic)
        pages.render_gzip(form)
        pages.put("b", [gauge("shared", 1, target="b"), gauge("own", 1)])
        families = [gauge("shared", 2, target="a"), gauge("x", 1), gauge("late", 1, target="a")]
        for step, _ in enumerate(pages.put_in_steps("a", families)):
            if step == at:
                pages.put("b", [gauge("own", 2), gauge("late", 2, target="b")])
        expected = Pages(clock.monotonic)
        expected.put("a", families)
        expected.put("b", [gauge("own", 2), gauge("late", 2, target="b")])
        if at > step:
            expected.put("b", [gauge("shared", 1, target="b"), gauge("own", 1)])
        assert unpacked(pages, form) == expected.render(form)


def counter(name: str, value: float) -> FamilySamples:
    return FamilySamples(Family(name, MetricType.COUNTER, ""), [Sample(name, (), value)])


def types_on(pages: Pages) -> dict[str, str]:
    """Return the families of the OpenMetrics page and their types."""
    return {metric.name: metric.type for metric in openmetrics_families(unpacked(pages, Format.OPENMETRICS).decode())}


def test_openmetrics_page_is_read_by_its_parser(pages: Pages) -> None:
    pages.put("a", [gauge("x", 1), counter("y_total", 2), counter("old", 3)])
    pages.put("b", [gauge("x", 1, target="b")])
    assert types_on(pages) == {"x": "gauge", "y": "counter", "old": "unknown"}


def exemplified(*buckets: str, place: int = 0, repeated: bool = False) -> FamilySamples:
    """Return a histogram's buckets with an exemplar behind the one at `place`."""
    samples = [Sample("h_bucket", (("le", bucket),), 1.0) for bucket in buckets]
    exemplars = {place: Exemplar(b"t" * 16, b"s" * 8, 0.5, 1000.0)}
    family = Family("h", MetricType.HISTOGRAM, "")
    return ExemplifiedSamples.of(family, samples[:1] * repeated + samples, exemplars)


def test_exemplars_are_on_the_openmetrics_page_only_compressed_or_not(pages: Pages) -> None:
    pages.put("a", [exemplified("1", "+Inf", place=1), gauge("g", 1)])
    assert b" # " not in unpacked(pages).replace(b"# HELP", b"").replace(b"# TYPE", b"")
    page = unpacked(pages, Format.OPENMETRICS).decode()
    (metric, _) = openmetrics_families(page)
    assert [sample.exemplar is not None for sample in metric.samples] == [False, True]


def test_exemplars_are_those_of_the_last_put(pages: Pages) -> None:
    for place in (0, 1):
        pages.put("a", [exemplified("1", "+Inf", place=place)])
        (metric,) = openmetrics_families(pages.render(Format.OPENMETRICS).decode())
        assert [sample.exemplar is not None for sample in metric.samples] == [place == 0, place == 1]
    pages.put("a", [exemplified("1", "+Inf")._replace(samples=exemplified("1", "+Inf").samples)])
    assert b" # {" not in pages.render(Format.OPENMETRICS)


def test_a_part_that_loses_a_repeated_series_loses_its_exemplars(pages: Pages) -> None:
    pages.put("a", [exemplified("1", "+Inf", place=2, repeated=True)])
    assert pages.duplicates == 1
    assert b" # {" not in pages.render(Format.OPENMETRICS)


def test_counter_keeps_its_whole_name_as_long_as_another_source_has_what_would_be_left(pages: Pages) -> None:
    pages.put("a", [counter("x_total", 2)])
    assert types_on(pages) == {"x": "counter"}
    pages.put("b", [gauge("x", 1)])
    assert types_on(pages) == {"x_total": "unknown", "x": "gauge"}
    pages.put("b", [gauge("x", 2)])
    assert types_on(pages) == {"x_total": "unknown", "x": "gauge"}
    pages.remove("b")
    assert types_on(pages) == {"x": "counter"}


def test_family_may_become_one_of_another_type(pages: Pages) -> None:
    pages.put("a", [gauge("x", 1), gauge("x_total", 2)])
    assert types_on(pages) == {"x": "gauge", "x_total": "gauge"}
    pages.put("a", [gauge("x", 1), counter("x_total", 2)])
    assert types_on(pages) == {"x": "gauge", "x_total": "unknown"}


def test_counter_is_cut_as_the_page_is_at_the_last_step(pages: Pages) -> None:
    types_on(pages)
    for step, _ in enumerate(pages.put_in_steps("a", [counter("x_total", 2)])):
        if step == 1:
            pages.put("b", [gauge("x", 1)])
    assert types_on(pages) == {"x_total": "unknown", "x": "gauge"}


def test_a_get_encodes_nothing_but_what_changed_of_the_live_page(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    values = count()
    pages.add_live("self", lambda: [gauge("still", 1), gauge("live", next(values))])
    pages.put("spans", [gauge("x", *range(1000))])
    pages.render()
    encoded: list[int] = []

    def record(series: Sequence[str], samples: Sequence[Sample]) -> bytes:
        encoded.append(len(samples))
        return encode_values(series, samples)

    monkeypatch.setattr("sidecar.runtime.pages.encode_values", record)
    pages.render()
    pages.render_gzip()
    pages.render_gzip(Format.OPENMETRICS)
    assert encoded == [1, 1, 1]


def test_series_of_the_scrape_before_are_not_encoded_again(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []

    def record(samples: Sequence[Sample]) -> list[str]:
        encoded.extend(sample.name for sample in samples)
        return encode_series(samples)

    monkeypatch.setattr("sidecar.runtime.pages.encode_series", record)
    pages.put("a", [gauge("x", 1, 2), gauge("y", 1), gauge("x", 3, part="2")])
    pages.render()
    encoded.clear()
    pages.put("a", [gauge("x", 5, 6), gauge("y", 2, 3), gauge("x", 7, part="2")])
    assert encoded == ["y", "y"]
    assert b'x{n="1"} 6\nx{n="0",part="2"} 7\n' in unpacked(pages)


def test_nothing_is_encoded_as_long_as_nobody_asks_and_then_as_pages_come(
    pages: Pages, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    encoded: list[float] = []

    def record(series: Iterable[str], samples: Sequence[Sample]) -> bytes:
        encoded.extend(sample.value for sample in samples)
        return encode_values(series, samples)

    monkeypatch.setattr("sidecar.runtime.pages.encode_values", record)
    pages.put("a", [gauge("x", 1)])
    assert encoded == []
    pages.render()
    pages.put("a", [gauge("x", 2)])
    assert encoded == [1, 2]
    pages.render()
    clock.pass_by(WANTED_SECONDS)
    pages.put("a", [gauge("x", 3)])
    assert encoded == [1, 2]
    assert b'x{n="0"} 3\n' in unpacked(pages)


async def test_a_page_is_encoded_in_steps_before_its_first_get(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    pages.put("a", [gauge("x", 1), gauge("x", 2, part="2"), gauge("y", 1)])
    await pages.prepare(Format.TEXT, compressed=False)
    monkeypatch.setattr("sidecar.runtime.pages.encode_values", None)
    assert names_on(pages.render()) == ["x", "y"]


@pytest.mark.parametrize("form", Format)
def test_columns_are_shown_as_the_same_samples_one_by_one(clock: FakeClock, form: Format) -> None:
    series = SeriesNames(["x", "x", "y"], [(("n", "1"),), (("n", "2"),), ()])
    subject, reference = Pages(clock.monotonic), Pages(clock.monotonic)
    family = Family("x", MetricType.UNTYPED, "")
    for values in ([1.0, float("nan"), 3.5], [1.0, float("nan"), 3.5], [1.0, 2.0, float("inf")]):
        columns = SampleColumns(series, np.array(values))
        subject.put("a", [FamilySamples(family, columns)])
        reference.put("a", [FamilySamples(family, list(columns))])
        assert unpacked(subject, form) == unpacked(reference, form)
    assert subject.duplicates == 0


def test_of_a_series_that_stands_twice_in_a_column_the_first_is_shown(pages: Pages) -> None:
    columns = SampleColumns(SeriesNames(["x", "x"], [(), ()]), np.array([1.0, 2.0]))
    for _ in range(2):
        pages.put("a", [FamilySamples(Family("x", MetricType.GAUGE, ""), columns)])
    assert pages.render().endswith(b"\nx 1\n")
    assert pages.duplicates == 2


one_family = st.lists(st.lists(st.integers(0, 4), max_size=4), max_size=4)
"""The series of the parts of a family."""


@given(st.lists(one_family, min_size=2, max_size=4))
def test_page_is_that_of_its_last_put_whatever_was_there_before(scrapes: list[list[list[int]]]) -> None:
    def parts(scrape: list[list[int]], at: int) -> list[FamilySamples]:
        family = Family("x", MetricType.GAUGE, "")
        return [FamilySamples(family, [Sample("x", (("n", str(n)),), float(at)) for n in series]) for series in scrape]

    pages, fresh = Pages(lambda: 0.0), Pages(lambda: 0.0)
    before = 0
    for at, scrape in enumerate(scrapes):
        before = pages.duplicates
        pages.put("a", parts(scrape, at))
    fresh.put("a", parts(scrapes[-1], len(scrapes) - 1))
    assert pages.render() == fresh.render()
    assert pages.duplicates - before == fresh.duplicates


def test_nothing_is_compressed_as_long_as_nobody_asks(pages: Pages, compressed: list[bytes]) -> None:
    pages.put("a", [gauge("x", 1)])
    pages.render()
    assert compressed == []


def test_format_that_was_asked_for_is_compressed_as_pages_come_and_the_other_is_not(
    pages: Pages, compressed: list[bytes]
) -> None:
    pages.render_gzip(Format.OPENMETRICS)
    pages.put("a", [counter("x", 1)])
    assert b"".join(compressed) == b"# HELP x \n# TYPE x unknown\nx 1\n"
    compressed.clear()
    pages.render_gzip(Format.OPENMETRICS)
    assert compressed == []


def test_format_that_nobody_asks_for_any_more_is_compressed_at_a_get_and_kept(
    pages: Pages, compressed: list[bytes], clock: FakeClock
) -> None:
    pages.render_gzip()
    clock.pass_by(WANTED_SECONDS)
    pages.put("a", [gauge("x", 1)])
    assert compressed == []
    pages.render_gzip()
    assert len(compressed) == 2
    pages.render_gzip()
    assert len(compressed) == 2


def test_family_of_several_sources_is_compressed_once_at_the_get(pages: Pages, compressed: list[bytes]) -> None:
    pages.render_gzip()
    for target in "abc":
        pages.put(target, [gauge("shared", 1, target=target)])
    compressed.clear()
    pages.render_gzip()
    assert len(compressed) == 4


def test_live_page_is_compressed_in_the_format_of_the_get_only(pages: Pages, compressed: list[bytes]) -> None:
    pages.add_live("self", lambda: [gauge("live", 1)])
    for form in Format:
        pages.render_gzip(form)
    compressed.clear()
    pages.render_gzip(Format.OPENMETRICS)
    assert len(compressed) == 2


def test_compressing_in_steps_leaves_nothing_but_the_live_page_to_the_get(
    pages: Pages, compressed: list[bytes]
) -> None:
    pages.add_live("self", lambda: [gauge("live", 1)])
    pages.put("a", [gauge("x", 1), gauge("shared", 1, target="a")])
    pages.put("b", [gauge("shared", 1, target="b")])
    assert len(list(pages.compress_in_steps(Format.TEXT))) == 5
    compressed.clear()
    assert names_on(unpacked(pages)) == ["x", "live", "shared"]
    assert b"".join(compressed).count(b"TYPE") == 1


async def test_all_who_ask_at_a_time_have_it_compressed_once(pages: Pages, compressed: list[bytes]) -> None:
    for source in "abc":
        pages.put(source, [gauge(source, 1), gauge("shared", 1, target=source)])
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(pages.prepare(Format.TEXT, compressed=True)) for _ in range(50)]
        await asyncio.sleep(0)
        asking[0].cancel()
    pieces = b"".join(compressed)
    assert pieces.count(b"TYPE shared ") == 1
    assert all(pieces.count(f"TYPE {source} ".encode()) == 1 for source in "bc")


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("change", [[gauge("x", 2), gauge("y", 2)], [gauge("y", 3)], []], ids=len)
def test_page_may_change_between_the_steps_of_a_compression(
    pages: Pages, at: int, change: Sequence[FamilySamples]
) -> None:
    pages.put("a", [gauge("x", 1), gauge("y", 1)])
    steps = pages.compress_in_steps(Format.TEXT)
    for _ in range(at + 1):
        next(steps)
    pages.put("a", change)
    list(steps)
    assert names_on(unpacked(pages)) == [family.name for family, _ in change]


def test_source_may_go_between_the_steps_of_a_compression(pages: Pages) -> None:
    for source in "ab":
        pages.put(source, [gauge(source, 1)])
    steps = pages.compress_in_steps(Format.TEXT)
    next(steps)
    pages.remove("a")
    pages.remove("b")
    list(steps)
    assert unpacked(pages) == b""
