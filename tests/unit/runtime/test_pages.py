"""Pages: one family group each, gzip equal to text, and nothing encoded twice."""

import gzip
from collections.abc import Sequence

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.codec.exposition import encode_samples
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.runtime.pages import Pages


def gauge(name: str, *values: float, **labels: str) -> FamilySamples:
    """Return a gauge with one sample per value, told apart by the label `n`."""
    pairs = tuple(sorted(labels.items()))
    samples = [Sample(name, (("n", str(n)), *pairs), value) for n, value in enumerate(values)]
    return FamilySamples(Family(name, MetricType.GAUGE, f"Help of {name}."), samples)


def names_on(page: bytes) -> list[str]:
    return [metric.name for metric in text_string_to_metric_families(page.decode())]


def test_sources_come_in_the_order_of_their_names_and_families_as_given() -> None:
    pages = Pages()
    pages.put("b", [gauge("z", 1), gauge("y", 2)])
    pages.put("a", [gauge("x", 3)])
    assert names_on(pages.render()) == ["x", "z", "y"]


def test_family_of_several_sources_is_one_group() -> None:
    pages = Pages()
    pages.put("a", [gauge("shared", 1, target="a"), gauge("own", 1)])
    pages.put("b", [gauge("shared", 2, target="b")])
    text = pages.render().decode()
    assert text.count("# TYPE shared ") == 1
    assert text.endswith('shared{n="0",target="a"} 1\nshared{n="0",target="b"} 2\n')


def test_family_stops_being_shared_when_a_source_goes() -> None:
    pages = Pages()
    pages.put("a", [gauge("shared", 1, target="a")])
    pages.put("b", [gauge("shared", 2, target="b")])
    pages.remove("a")
    assert pages.render().decode().splitlines()[2:] == ['shared{n="0",target="b"} 2']


def test_put_replaces_what_the_source_had() -> None:
    pages = Pages()
    pages.put("a", [gauge("x", 1), gauge("gone", 1)])
    pages.put("a", [gauge("x", 2)])
    assert pages.render().decode().splitlines()[2:] == ['x{n="0"} 2']


def test_gzip_is_one_member_of_the_same_text() -> None:
    pages = Pages()
    assert gzip.decompress(pages.render_gzip()) == pages.render() == b""
    pages.put("a", [gauge("x", *range(1000)), gauge("shared", 1, target="a")])
    pages.put("b", [gauge("y", *range(1000)), gauge("shared", 1, target="b")])
    assert gzip.decompress(pages.render_gzip()) == pages.render()
    pages.put("b", [gauge("y", 7)])
    assert gzip.decompress(pages.render_gzip()) == pages.render()


def test_live_source_is_read_at_each_get() -> None:
    pages = Pages()
    values = iter((1.0, 2.0))

    def read() -> Sequence[FamilySamples]:
        return [gauge("live", next(values))]

    pages.add_live("self", read)
    assert pages.render().endswith(b" 1\n")
    assert gzip.decompress(pages.render_gzip()).endswith(b" 2\n")


def test_first_of_two_equal_series_stays_and_the_other_is_counted() -> None:
    pages = Pages()
    pages.put("a", [gauge("x", 1, 2), gauge("x", 3)])
    assert pages.render().decode().splitlines()[2:] == ['x{n="0"} 1', 'x{n="1"} 2']
    assert pages.duplicates == 1


def test_family_without_samples_is_not_shown() -> None:
    pages = Pages()
    pages.put("a", [gauge("empty"), gauge("x", 1)])
    assert names_on(pages.render()) == ["x"]


def test_parts_of_a_family_are_one_group_and_a_series_in_two_of_them_counts_once() -> None:
    pages = Pages()
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


def test_steps_change_the_page_as_a_whole_and_only_at_the_last() -> None:
    pages = Pages()
    pages.put("a", [gauge("x", 1)])
    before = pages.render()
    steps = pages.put_in_steps("a", [gauge("x", 2), gauge("y", 3), gauge("x", 4, part="2")])
    seen = []
    for _ in steps:
        assert pages.render() == before
        seen.append(gzip.decompress(pages.render_gzip()) == before)
    assert len(seen) >= 6
    assert all(seen)
    assert names_on(pages.render()) == ["x", "y"]
    assert gzip.decompress(pages.render_gzip()) == pages.render()


def test_others_may_change_their_pages_between_two_steps() -> None:
    for at in range(8):
        pages = Pages()
        pages.put("b", [gauge("shared", 1, target="b"), gauge("own", 1)])
        families = [gauge("shared", 2, target="a"), gauge("x", 1), gauge("late", 1, target="a")]
        for step, _ in enumerate(pages.put_in_steps("a", families)):
            if step == at:
                pages.put("b", [gauge("own", 2), gauge("late", 2, target="b")])
        expected = Pages()
        expected.put("a", families)
        expected.put("b", [gauge("own", 2), gauge("late", 2, target="b")])
        if at > step:
            expected.put("b", [gauge("shared", 1, target="b"), gauge("own", 1)])
        assert pages.render() == expected.render()
        assert gzip.decompress(pages.render_gzip()) == pages.render()


def test_a_get_encodes_and_compresses_nothing_but_the_live_page(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages()
    pages.add_live("self", lambda: [gauge("live", 1)])
    pages.put("spans", [gauge("x", *range(1000))])
    encoded: list[int] = []

    def record(samples: Sequence[Sample]) -> bytes:
        encoded.append(len(samples))
        return encode_samples(samples)

    monkeypatch.setattr("sidecar.runtime.pages.encode_samples", record)
    pages.render()
    pages.render_gzip()
    assert encoded == [1, 1]
