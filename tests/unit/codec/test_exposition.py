"""Both exposition formats: golden pages, and prometheus_client's parsers as the oracles of any page."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from sidecar.codec.exposition import Format, encode, format_float
from sidecar.model.family import Exemplar, ExemplifiedSamples, Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import STALE
from tests.openmetrics import openmetrics_families

GOLDEN = Path(__file__).parents[2] / "golden"
GOLDEN_FILES = {Format.TEXT: GOLDEN / "exposition.prom", Format.OPENMETRICS: GOLDEN / "exposition.openmetrics"}

PAGE = [
    FamilySamples(
        Family("pg_stat_database_xact_commit", MetricType.COUNTER, "Transactions that were\ncommitted, a \\ and a ü."),
        [
            Sample("pg_stat_database_xact_commit", (("datid", "5"), ("datname", 'a"b\\c\nd')), 1234567.0),
            Sample("pg_stat_database_xact_commit", (("datid", "6"), ("datname", "größe 東京")), 2.0**63),
        ],
    ),
    FamilySamples(
        Family("requests_total", MetricType.COUNTER, 'Requests of "all" kinds.'),
        [Sample("requests_total", (("code", "200"),), 3.0), Sample("requests_total", (("code", "500"),), 0.0)],
    ),
    FamilySamples(Family("both_total", MetricType.COUNTER, "Sum."), [Sample("both_total", (), 5.0)]),
    FamilySamples(Family("both", MetricType.GAUGE, "Now."), [Sample("both", (), 4.0)]),
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
    ExemplifiedSamples.of(
        Family("exemplified_seconds", MetricType.HISTOGRAM, "A histogram with exemplars."),
        [
            Sample("exemplified_seconds_bucket", (("le", "0.1"), ("name", "a\nb")), 1.0),
            Sample("exemplified_seconds_bucket", (("le", "+Inf"), ("name", "a\nb")), 2.0),
            Sample("exemplified_seconds_sum", (("name", "a\nb"),), 3.25),
            Sample("exemplified_seconds_count", (("name", "a\nb"),), 2.0),
        ],
        {1: Exemplar(bytes(range(16)), bytes(range(8)), 3.0, 1_700_000_000.25)},
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


def gauge(name: str) -> FamilySamples:
    return FamilySamples(Family(name, MetricType.GAUGE, ""), [Sample(name, (), 1.0)])


def counter(name: str) -> FamilySamples:
    return FamilySamples(Family(name, MetricType.COUNTER, ""), [Sample(name, (), 1.0)])


def types_of(*families: FamilySamples) -> list[str]:
    """Return the TYPE lines of an OpenMetrics page; its parser must take it."""
    page = encode(families, Format.OPENMETRICS).decode()
    assert openmetrics_families(page)
    return [line.removeprefix("# TYPE ") for line in page.splitlines() if line.startswith("# TYPE ")]


@pytest.mark.parametrize("format_", Format)
def test_page_is_as_in_the_golden_file(format_: Format) -> None:
    assert encode(PAGE, format_) == GOLDEN_FILES[format_].read_bytes()


def test_sample_lines_are_the_same_in_both_formats_but_for_exemplars() -> None:
    text, openmetrics = (
        [line for line in encode(PAGE, format_).splitlines() if line[:1] != b"#"] for format_ in Format
    )
    assert text == [line.partition(b" # ")[0] for line in openmetrics]
    assert sum(b" # " in line for line in openmetrics) == 1


def test_an_exemplar_is_read_back_by_openmetrics_parser_and_its_labels_are_within_its_limit() -> None:
    known = [given_ for given_ in PAGE if given_.exemplars]
    (metric,) = openmetrics_families(encode(known, Format.OPENMETRICS).decode())
    exemplars = {sample.labels.get("le"): sample.exemplar for sample in metric.samples if sample.exemplar}
    (exemplar,) = exemplars.values()
    labels = {"trace_id": "000102030405060708090a0b0c0d0e0f", "span_id": "0001020304050607"}
    assert list(exemplars) == ["+Inf"]
    assert (exemplar.labels, exemplar.value) == (labels, 3.0)
    assert str(exemplar.timestamp) == "1700000000.250000000"
    assert sum(len(name) + len(value) for name, value in labels.items()) <= 128


def test_a_copy_with_other_samples_has_no_exemplars() -> None:
    (given_,) = (given_ for given_ in PAGE if given_.exemplars)
    assert not given_._replace(samples=given_.samples[:1]).exemplars


@given(st.lists(gauges, max_size=4, unique_by=lambda given: given.family.name))
def test_prometheus_parsers_read_back_what_was_encoded(families: list[FamilySamples]) -> None:
    for format_, parse in ((Format.TEXT, text_string_to_metric_families), (Format.OPENMETRICS, openmetrics_families)):
        unique = [without_repeated(given_) for given_ in families]
        parsed = list(parse(encode(unique, format_).decode()))
        assert [metric.name for metric in parsed] == [family.name for family, _ in unique]
        for metric, (_, samples) in zip(parsed, unique, strict=True):
            assert [(sample.name, labels_of(sample.labels)) for sample in metric.samples] == [
                (sample.name, sample.labels) for sample in samples
            ]
            for got, given_ in zip(metric.samples, samples, strict=True):
                assert got.value == given_.value or (math.isnan(got.value) and math.isnan(given_.value))


def without_repeated(given_: FamilySamples) -> FamilySamples:
    """Return the family with each series once; OpenMetrics' parser takes no other."""
    return given_._replace(samples=list({sample.labels: sample for sample in given_.samples}.values()))


def test_openmetrics_parser_reads_back_types_helps_and_samples() -> None:
    known = [given_ for given_ in PAGE if given_.family.type is not MetricType.SUMMARY and given_.samples]
    parsed = {metric.name: metric for metric in openmetrics_families(encode(known, Format.OPENMETRICS).decode())}
    assert {name: metric.type for name, metric in parsed.items()} == {
        "pg_stat_database_xact_commit": "unknown",
        "requests": "counter",
        "both_total": "unknown",
        "both": "gauge",
        "gauge": "gauge",
        "seconds": "histogram",
        "exemplified_seconds": "histogram",
        "untyped": "unknown",
    }
    assert parsed["requests"].documentation == 'Requests of "all" kinds.'
    read = {(sample.name, labels_of(sample.labels)) for metric in parsed.values() for sample in metric.samples}
    assert read == {sample[:2] for _, samples in known for sample in samples}


def test_counter_is_unknown_under_its_whole_name_when_another_family_has_what_openmetrics_would_call_it() -> None:
    assert types_of(counter("x_total")) == ["x counter"]
    assert types_of(counter("x_total"), gauge("x")) == ["x_total unknown", "x gauge"]
    assert types_of(gauge("x"), counter("x_total")) == ["x gauge", "x_total unknown"]
    assert types_of(counter("x"), counter("x_total")) == ["x unknown", "x_total unknown"]


def test_counter_is_unknown_too_beside_the_creation_times_that_text_pages_show_as_a_gauge() -> None:
    assert types_of(counter("x_total"), gauge("x_created")) == ["x_total unknown", "x_created gauge"]


def test_counter_is_not_cut_to_the_name_of_a_sum_or_count() -> None:
    histogram = FamilySamples(
        Family("x", MetricType.HISTOGRAM, ""),
        [
            Sample("x_bucket", (("le", "+Inf"),), 1.0),
            Sample("x_sum", (), 1.0),
            Sample("x_count", (), 1.0),
        ],
    )
    assert types_of(histogram, counter("x_count_total")) == ["x histogram", "x_count_total unknown"]


def test_family_without_samples_takes_no_name() -> None:
    empty = FamilySamples(Family("x", MetricType.GAUGE, ""), [])
    assert types_of(counter("x_total"), empty) == ["x counter"]


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
