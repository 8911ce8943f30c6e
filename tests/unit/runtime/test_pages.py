"""Pages: one family group each, gzip equal to text, and nothing encoded twice."""

import gzip
from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

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
