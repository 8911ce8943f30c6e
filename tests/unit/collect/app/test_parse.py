"""What becomes of an app's answer: the names that the app gave, or one error and nothing else."""

import gzip
import math
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as untyped_generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as untyped_parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sidecar.codec.exposition import encode
from sidecar.collect.app.connection import Answer
from sidecar.collect.app.parse import MAX_LINE_CHARACTERS, OPENMETRICS, Limits, Parsing
from sidecar.model.errors import TargetError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from tests.unit.collect.app.exposing import LIMITS, families_in, gzipped, openmetrics, registry_of_every_kind, text
from tests.unit.collect.scraping import values_of

# What has no types gets some here, once.
generate_openmetrics: Callable[[CollectorRegistry], bytes] = untyped_generate_openmetrics
parse_openmetrics: Callable[[str], Iterable[Metric]] = untyped_parse_openmetrics


def series_of(metrics: Iterable[Metric]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(sample.name, labels_of(sample.labels)): sample.value for metric in metrics for sample in metric.samples}


def series_in(families: Iterable[FamilySamples]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(name, labels): value for _, samples in families for name, labels, value in samples}


def types_in(families: Iterable[FamilySamples]) -> dict[str, str]:
    return {family.name: family.type.value for family, _ in families}


def test_text_has_the_series_that_the_parser_sees() -> None:
    body = generate_latest(registry_of_every_kind()).decode()
    assert series_in(families_in(text(body))) == series_of(parse_text(body))


def test_openmetrics_has_the_series_that_the_parser_sees() -> None:
    body = generate_openmetrics(registry_of_every_kind()).decode()
    assert series_in(families_in(Answer(OPENMETRICS, "", body.encode()))) == series_of(parse_openmetrics(body))


def test_both_formats_give_the_same_families() -> None:
    registry = registry_of_every_kind()
    in_text = families_in(text(generate_latest(registry).decode()))
    in_openmetrics = families_in(Answer(OPENMETRICS, "", generate_openmetrics(registry)))
    assert types_in(in_text) == types_in(in_openmetrics)
    assert series_in(in_text) == series_in(in_openmetrics)
    assert {family.help for family, _ in in_text} == {family.help for family, _ in in_openmetrics}
    assert types_in(in_text) == {
        "orders_total": "counter",
        "orders_created": "gauge",
        "queue_length": "gauge",
        "request_seconds": "histogram",
        "request_seconds_created": "gauge",
        "payload_bytes": "summary",
        "payload_bytes_created": "gauge",
        "build_info": "gauge",
        "state": "gauge",
    }


def test_counter_of_the_text_format_keeps_its_name() -> None:
    families = families_in(text('# HELP commits Commits.\n#  TYPE commits  counter \ncommits{db="a"} 4\n'))
    assert families == [
        FamilySamples(Family("commits", MetricType.COUNTER, "Commits."), [Sample("commits", (("db", "a"),), 4.0)])
    ]


def test_counters_with_and_without_total_are_two_families() -> None:
    body = "# TYPE a counter\na 1\n# TYPE a_total counter\na_total 2\n# TYPE a_gauge gauge\na_gauge 3\n"
    assert types_in(families_in(text(body))) == {"a": "counter", "a_total": "counter", "a_gauge": "gauge"}
    assert values_of(families_in(text(body))) == {"a": 1, "a_total": 2, "a_gauge": 3}


def test_samples_without_a_type_are_one_untyped_family() -> None:
    families = families_in(text('x{n="1"} 1\nx{n="2"} 2\ny NaN\nz +Inf\n'))
    assert types_in(families) == {"x": "untyped", "y": "untyped", "z": "untyped"}
    assert {key: repr(value) for key, value in values_of(families).items()} == {
        'x{n="1"}': "1.0",
        'x{n="2"}': "2.0",
        "y": "nan",
        "z": "inf",
    }


def test_timestamps_exemplars_and_native_histograms_are_left_out() -> None:
    body = (
        '# TYPE a counter\na_total 5 1700000000.5 # {trace_id="x"} 1\n'
        "# TYPE h histogram\n"
        "h {count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2],positive_deltas:[2,1]}\n"
    )
    assert values_of(families_in(openmetrics(body))) == {"a_total": 5}
    assert values_of(families_in(text("a 5 1700000000500\n"))) == {"a": 5}


def test_parts_of_a_gauge_histogram_are_gauges() -> None:
    families = families_in(openmetrics('# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 2\ng_gcount 2\ng_gsum 3\n'))
    assert types_in(families) == {"g_bucket": "gauge", "g_gcount": "gauge", "g_gsum": "gauge"}


def test_empty_label_values_are_absent_labels() -> None:
    assert values_of(families_in(text('a{b="",c="d"} 1\n'))) == {'a{c="d"}': 1}


@pytest.mark.parametrize("answer", [text, openmetrics])
def test_labels_that_begin_with_two_underscores_are_kept_as_prometheus_keeps_them(
    answer: Callable[[str], Answer],
) -> None:
    body = '# HELP a In { __x }, too.\n# TYPE a gauge\na{__x="1",b="{__c,__d",__e__="__f"} 1\na{b="c"} 2\n'
    (families,) = families_in(answer(body))
    assert families.family == Family("a", MetricType.GAUGE, "In { __x }, too.")
    assert families.samples == [
        Sample("a", (("__e__", "__f"), ("__x", "1"), ("b", "{__c,__d")), 1.0),
        Sample("a", (("b", "c"),), 2.0),
    ]


def test_metric_whose_name_begins_with_two_underscores_is_kept() -> None:
    assert values_of(families_in(text("# TYPE __a counter\n__a 1\n"))) == {"__a": 1}


def test_empty_answer_is_no_error() -> None:
    assert families_in(text("")) == []
    assert families_in(openmetrics("")) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (text("a 1\nb{ 2\n"), "at line 2"),
        (text("a one\n"), "at line 1"),
        (text("a\n"), "at line 1"),
        (text("# TYPE a sandwich\na 1\n"), "sandwich"),
        (text("<!doctype html>\n<html><body>404</body></html>\n"), "`text/plain`, is malformed at line 1"),
        (text("a 1" + "0" * 400 + "\n"), "malformed"),
        (text('{"my.metric"} 1\n'), '`{"my.metric"} 1` is no sample of the text format'),
        (text('a{"my.label"="x"} 1\n'), '`"my.label"="x"` are no labels of the text format'),
        (text('a{b:c="x"} 1\n'), '`b:c="x"` are no labels of the text format'),
        (text("a 1\n" + "b" * (MAX_LINE_CHARACTERS + 1)), f"line 2: it is longer than {MAX_LINE_CHARACTERS} char"),
        (Answer(OPENMETRICS, "", b"a 1\n"), "does not end in `# EOF`"),
        (Answer(OPENMETRICS, "", b"a 1\n# EOF\nb 2\n"), "line 3: something stands behind `# EOF`"),
        (text('a{b="1",b="2"} 1\n'), "are no labels"),
        (text('a{__name__="b"} 1\n'), "are no labels"),
        (text('a{b="1",,c="2"} 1\n'), "are no labels"),
        (text('a{b="\\"} 1\n'), "is no sample"),
        (text("a 1 2 3\n"), "is no sample"),
        (text("a 1 now\n"), "`now` is no number"),
        (text("a 1_000\n"), "`1_000` is no number"),
        (text("a \u0661\n"), "is no number"),
        (Answer("text/plain", "", b"a 1\n\xff\n"), "not UTF-8 at byte 4"),
        (Answer("text/plain", "br", b"a 1\n\xff\n"), "not UTF-8 at byte 4, and encoded as `br`"),
        (Answer("text/plain", "br", b"(\n"), "encoded as `br`, is malformed at line 1"),
        (Answer("text/plain", "gzip", b"a 1\n"), "is not gzip"),
        (gzipped(text("a 1\n" * 99))._replace(body=gzipped(text("a 1\n" * 99)).body[:-9]), "cut off"),
    ],
)
def test_malformed_answer_is_an_error_that_says_where(answer: Answer, reason: str) -> None:
    with pytest.raises(TargetError) as caught:
        families_in(answer)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ('# TYPE a counter\na -1\na{b="c"} NaN\n', {"a": -1, 'a{b="c"}': math.nan}),
        ("# TYPE a counter\na 1\n# TYPE b counter\nb_total 2\n", {"a": 1, "b_total": 2}),
        ("# TYPE a gauge\n# TYPE a gauge\n# HELP a A.\n# HELP a B.\na 1\n", {"a": 1}),
        ("a 1\n# TYPE a gauge\n", {"a": 1}),
        (
            '# TYPE a gauge\na{b="1"} 1\n# TYPE c gauge\nc 1\n# TYPE a gauge\na{b="2"} 2\n',
            {'a{b="1"}': 1, "c": 1, 'a{b="2"}': 2},
        ),
        (
            '# TYPE h histogram\nh_bucket{le="2.0"} 4\nh_bucket{le="1.0"} 2.5\nh_sum -3\nh_count 9\n',
            {'h_bucket{le="2.0"}': 4, 'h_bucket{le="1.0"}': 2.5, "h_sum": -3, "h_count": 9},
        ),
        ('# TYPE h histogram\nh_bucket{le="x"} 1\nh_bucket 2\n', {'h_bucket{le="x"}': 1, "h_bucket": 2}),
        (
            '# TYPE h histogram\nh_count 1\n# TYPE h_count gauge\nh_count{b="c"} 2\n',
            {"h_count": 1, 'h_count{b="c"}': 2},
        ),
        ('# TYPE s summary\ns{quantile="99"} 3\ns 4\ns_count -1\n', {'s{quantile="99"}': 3, "s": 4, "s_count": -1}),
        ('# TYPE i info\ni_info{a="1"} 2\n# TYPE j info\nj 1\n', {'i_info{a="1"}': 2, "j": 1}),
        ('# TYPE s stateset\ns{s="a"} 3\ns{x="b"} 0\n', {'s{s="a"}': 3, 's{x="b"}': 0}),
        ('a 1 1700000002\na{b="c"} 2\na{b="d"} 3 1700000001\n', {"a": 1, 'a{b="c"}': 2, 'a{b="d"}': 3}),
        (f'# TYPE a counter\na_total 1 # {{t="{"x" * 200}"}} 0.5\n', {"a_total": 1}),
        ('a{b="# {",c="} 1 # {",d="\\\\ \\"" ,} 1\n', {'a{b="# {",c="} 1 # {",d="\\ ""}': 1}),
        ("# " + "y" * 20_000 + "\na 1\n", {"a": 1}),
    ],
)
def test_openmetrics_that_prometheus_takes_is_taken(body: str, values: Mapping[str, float]) -> None:
    assert values_of(families_in(openmetrics(body))) == pytest.approx(values, nan_ok=True)


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("# TYPE a counter\r\na 1\r\n\r\n", {"a": 1}),
        ('#\tTYPE\ta\tcounter\na\t1\n a{\tb="c"\t,} 2 \n', {"a": 1, 'a{b="c"}': 2}),
        ("#HELP a\n#\n# EOF\na +Inf 17\nb .5\nc 5.", {"a": math.inf, "b": 0.5, "c": 5}),
        ('a {b="c"}1\n', {'a{b="c"}': 1}),
        ('a{b="x\u2028\x0b\x85}"} 1\n', {'a{b="x\u2028\x0b\x85}"}': 1}),
        ("# TYPE a unknown\n# HELP a\na 1\n", {"a": 1}),
    ],
)
def test_text_that_prometheus_or_its_clients_take_is_taken(body: str, values: Mapping[str, float]) -> None:
    assert values_of(families_in(text(body))) == values


def test_label_of_twenty_thousand_characters_is_kept() -> None:
    assert families_in(text(f'a{{b="{"y" * 20_000}"}} 1\n'))[0].samples[0].labels == (("b", "y" * 20_000),)


@pytest.mark.parametrize("encoding", ["utf-8", "none", "identity", "br"])
def test_encoding_that_the_page_is_not_in_is_ignored_as_prometheus_does(encoding: str) -> None:
    assert values_of(families_in(Answer("text/plain", encoding, b"a 1\n"))) == {"a": 1}


@given(st.text(max_size=200), st.booleans())
def test_whatever_the_text_is_there_are_families_or_a_target_error(body: str, is_openmetrics: bool) -> None:
    answer = Answer(OPENMETRICS if is_openmetrics else "text/html", "", body.encode("utf-8", "replace"))
    try:
        families_in(answer)
    except TargetError as error:
        assert str(error)  # noqa: PT017 - both outcomes are good


def test_too_many_samples_are_an_error_with_both_numbers() -> None:
    answer = text("# HELP a A.\n\n" + "".join(f'a{{n="{n}"}} 1\n' for n in range(11)))
    assert len(families_in(answer, Limits(1000, 11))[0].samples) == 11
    with pytest.raises(TargetError, match="11 samples, and `max_series` is 10"):
        families_in(answer, Limits(1000, 10))


def test_gzip_is_read_and_a_bomb_ends_at_the_limit() -> None:
    assert values_of(families_in(gzipped(text("a 1\n")))) == {"a": 1}
    bomb = gzipped(text("# " + "x" * 50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TargetError, match="longer than 1000000 bytes"):
            families_in(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * LIMITS.max_body_bytes
    finally:
        tracemalloc.stop()


def test_stopped_parsing_ends() -> None:
    parsing = Parsing(text("a 1\n"), LIMITS)
    parsing.stop()
    with pytest.raises(TargetError, match="the scrape is over"):
        parsing.families()


names = st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}", fullmatch=True)
label_sets = st.dictionaries(
    st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda name: not name.startswith("__")),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    max_size=3,
)
helps = st.text(st.sampled_from('ab"\\\n#{} '), max_size=12).map(str.strip)
suffixes = {
    MetricType.HISTOGRAM: st.sampled_from(["_bucket", "_sum", "_count"]),
    MetricType.SUMMARY: st.sampled_from(["", "_sum", "_count"]),
}


@st.composite
def family_samples(draw: Any, name: str) -> FamilySamples:
    kind = draw(st.sampled_from(MetricType))
    names_of = suffixes.get(kind, st.just("")).map(lambda suffix: f"{name}{suffix}")
    sample = st.builds(Sample, names_of, label_sets.map(labels_of), st.floats(allow_nan=False))
    return FamilySamples(Family(name, kind, draw(helps)), draw(st.lists(sample, min_size=1, max_size=4)))


@given(st.lists(names, unique=True, max_size=4).flatmap(lambda given: st.tuples(*map(family_samples, given))))
def test_what_our_encoder_writes_is_read_as_the_same_families(families: tuple[FamilySamples, ...]) -> None:
    assert families_in(Answer("text/plain", "", encode(families))) == list(families)


def test_all_members_of_a_gzip_page_are_read_and_junk_behind_them_fails_the_scrape() -> None:
    members = gzip.compress(b""), gzip.compress(b"a 1\n"), gzip.compress(b"b 2\n")
    assert values_of(families_in(Answer("text/plain", "gzip", b"".join(members)))) == {"a": 1, "b": 2}
    for wrong in (b"".join(members) + b"junk", members[1] + members[2][:-1], b""):
        with pytest.raises(TargetError, match="is not gzip"):
            families_in(Answer("text/plain", "gzip", wrong))
