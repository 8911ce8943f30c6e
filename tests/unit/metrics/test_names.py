"""Names of families and labels: always valid, and stable."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.metrics.names import family_name, label_name
from sidecar.model.metric import MetricHead, MetricKind

GAUGE = MetricHead(b"", b"", b"", MetricKind.GAUGE, 0, is_monotonic=False)
COUNTER = GAUGE._replace(kind=MetricKind.SUM, is_monotonic=True)
LEVEL = GAUGE._replace(kind=MetricKind.SUM)


@given(st.text(max_size=30), st.text(max_size=10), st.sampled_from([GAUGE, COUNTER, LEVEL]))
def test_every_name_is_empty_or_one_of_prometheus_without_repeated_underscores(
    name: str, unit: str, metric: MetricHead
) -> None:
    found = family_name(name, unit, metric)
    assert re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)?", found)
    assert "__" not in found
    if found and metric is COUNTER:
        assert found.endswith("_total") or found == "total"


@given(st.text(max_size=30))
def test_every_label_is_empty_or_one_of_prometheus_that_is_not_reserved(key: str) -> None:
    found = label_name(key)
    assert re.fullmatch(r"([a-zA-Z_][a-zA-Z0-9_]*)?", found)
    assert not found.startswith("_")
    assert bool(found) == bool(key)


@given(st.text(alphabet="abc._", max_size=20), st.sampled_from(["s", "By", "By/s", "1", "{x}", "sheet"]))
def test_a_name_that_has_its_suffixes_keeps_them(name: str, unit: str) -> None:
    for metric in (GAUGE, COUNTER, LEVEL):
        once = family_name(name, unit, metric)
        assert family_name(once, unit, metric) == once


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("requests", "1/s", "requests_per_second"),
        ("requests.per.second", "1/s", "requests_per_second"),
        ("a", "unit@with#special/chars", "a_unit_with_special_per_chars"),
        ("a", "By/{custom}", "a_bytes"),
        ("a", "{custom}/By", "a_per_By"),
        ("a", " ms ", "a_milliseconds"),
        ("a", "Cel", "a_celsius"),
        ("a", "%", "a_percent"),
        ("a", "/", "a"),
        ("a", "1", "a_ratio"),
    ],
)
def test_units_become_words(name: str, unit: str, expected: str) -> None:
    assert family_name(name, unit, GAUGE) == expected


def test_only_a_gauge_is_a_ratio() -> None:
    assert [family_name("a", "1", metric) for metric in (COUNTER, LEVEL)] == ["a_total", "a"]
