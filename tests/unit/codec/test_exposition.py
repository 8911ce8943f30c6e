"""The text exposition format: a golden page, and prometheus_client's parser as the oracle of any page."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from sidecar.codec.exposition import encode, format_float
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import STALE

GOLDEN = Path(__file__).parents[2] / "golden" / "exposition.prom"

PAGE = [
    FamilySamples(
        Family("pg_stat_database_xact_commit", MetricType.COUNTER, "Transactions that were\ncommitted, a \\ and a ü."),
        [
            Sample("pg_stat_database_xact_commit", (("datid", "5"), ("datname", 'a"b\\c\nd')), 1234567.0),
            Sample("pg_stat_database_xact_commit", (("datid", "6"), ("datname", "größe 東京")), 2.0**63),
        ],
    ),
    FamilySamples(
        Family("gauge", MetricType.GAUGE, "Values."),
        [
            Sample("gauge", (("value", str(value)),), value)
            for value in (0.0, -0.0, 1.5, -1e-7, 1e300, math.inf, -math.inf, math.nan, STALE)
        ],
    ),
    FamilySamples(
        Family("seconds", MetricType.HISTOGRAM, "A histogram."),
        [
            Sample("seconds_bucket", (("le", format_float(0.1)),), 1.0),
            Sample("seconds_bucket", (("le", format_float(1.0)),), 2.0),
            Sample("seconds_bucket", (("le", format_float(math.inf)),), 3.0),
            Sample("seconds_sum", (), 3.25),
            Sample("seconds_count", (), 3.0),
        ],
    ),
    FamilySamples(
        Family("usec", MetricType.SUMMARY, ""),
        [Sample("usec", (("quantile", "99.9"),), 12.0), Sample("usec_sum", (), 1.0), Sample("usec_count", (), 1.0)],
    ),
    FamilySamples(Family("untyped", MetricType.UNTYPED, "Nothing is known."), [Sample("untyped", (), 7)]),
    FamilySamples(Family("empty", MetricType.GAUGE, "No samples."), []),
]

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True)
label_sets = st.dictionaries(
    names.filter(lambda name: not name.startswith("__")), st.text(st.characters(exclude_categories=["Cs"])), max_size=4
)
gauges = st.builds(
    lambda name, text, rows: FamilySamples(
        Family(name, MetricType.GAUGE, text), [Sample(name, labels_of(labels), value) for labels, value in rows]
    ),
    names.map(lambda name: f"x_{name}"),
    st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    st.lists(st.tuples(label_sets, st.floats()), min_size=1, max_size=5),
)


def test_page_is_as_in_the_golden_file() -> None:
    assert encode(PAGE) == GOLDEN.read_bytes()


@given(st.lists(gauges, max_size=4, unique_by=lambda given: given.family.name))
def test_prometheus_parser_reads_back_what_was_encoded(families: list[FamilySamples]) -> None:
    parsed = list(text_string_to_metric_families(encode(families).decode()))
    assert [metric.name for metric in parsed] == [family.name for family, _ in families]
    for metric, (_, samples) in zip(parsed, families, strict=True):
        assert [(sample.name, labels_of(sample.labels)) for sample in metric.samples] == [
            (sample.name, sample.labels) for sample in samples
        ]
        for got, given_ in zip(metric.samples, samples, strict=True):
            assert got.value == given_.value or (math.isnan(got.value) and math.isnan(given_.value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.005, "0.005"),
        (2.5, "2.5"),
        (100000.0, "100000"),
        (1e6, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (-2e6, "-2e+06"),
        (1e21, "1e+21"),
        (math.inf, "+Inf"),
        (99.9, "99.9"),
    ],
)
def test_bounds_are_printed_as_go_does(value: float, text: str) -> None:
    assert format_float(value) == text


@given(st.floats(min_value=1e-4, max_value=1e15))
def test_bounds_are_printed_as_prometheus_client_does_but_for_the_trailing_zero(value: float) -> None:
    expected: str = floatToGoString(value)  # type: ignore[no-untyped-call] # prometheus_client leaves it out
    assert format_float(value) == expected.removesuffix(".0")
