"""Templates: equal to Prometheus on real ones, and errors that harm nothing."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.labels import labels_of
from sidecar.rules.gotemplate.fmt import sprintf
from sidecar.rules.template import TemplateData, Templates, TemplateSyntaxError, query_samples
from tests.conformance.templates import failures

DATA = TemplateData(
    labels=labels_of({"__name__": "m", "instance": "host.example.com:80"}),
    value=1435741200.5,
    now_ms=60_000,
    external_labels={"region": "eu"},
    external_url="http://ext.example/p",
    query=lambda text: query_samples([(labels_of({"i": "b", "q": text}), 2.0), (labels_of({"i": "a"}), 1.0)]),
)


def expand(text: str, data: TemplateData = DATA) -> str:
    return Templates().expand("Name", text, data)


def test_templates_of_others_come_out_as_in_prometheus(shared_data: Path) -> None:
    count, failed = failures(shared_data / "promql" / "templates.json")
    assert count > 1000
    assert failed == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ ($value | toTime).UTC.Format "15:04" }}', "09:00"),
        ("{{ (toTime 7200).Sub (toTime 1800) }}", "1h30m0s"),
        ("{{ ((toTime now).Sub (toTime 0)).Minutes }}", "1"),
        ('{{ ((toTime $value).Add (toDuration 3600)).Format "15:04" }}', "10:00"),
        ("{{ (toTime 5400).Add 1 }}", "1970-01-01 01:30:00.000000001 +0000 UTC"),
        ("{{ ((toTime 5400).AddDate 0 1 2).Format `Jan 2` }}", "Feb 3"),
        ("{{ (toTime 5400).Truncate (toDuration `3600`) }}", "1970-01-01 01:00:00 +0000 UTC"),
        ("{{ (toTime 1).Before (toTime 2) }} {{ (toTime 1).Compare (toTime 2) }}", "true -1"),
        ('{{ (toTime 0).Month }} {{ printf "%d %s" (toTime 0).Month (toTime 0).Weekday }}', "January 1 Thursday"),
        ("{{ if eq (toTime 0).Weekday 4 }}Thursday{{ end }}", "Thursday"),
        (
            "{{ (toDuration 5400).Hours }} {{ (toDuration -90).Minutes }} {{ (toDuration 0.25).Seconds }}",
            "1.5 -1.5 0.25",
        ),
        ("{{ (toDuration 1.5).Milliseconds }} {{ (toDuration -1e-6).Microseconds }}", "1500 -1"),
        ("{{ (toDuration -90).Abs }} {{ (toDuration 89).Round (toDuration 60) }}", "1m30s 1m0s"),
        ("{{ (toDuration -89).Truncate (toDuration 60) }} {{ (toDuration 90).String }}", "-1m0s 1m30s"),
        ("{{ toDuration 1e300 }} {{ (toDuration `-Inf`).Abs }}", "-2562047h47m16.854775808s 2562047h47m16.854775807s"),
        ("{{ (toTime 90).Sub (toTime 0) | humanizeDuration }}", "1m 30s"),
        ('{{ printf "%T %T %T" (toTime 0) (toTime 0).UTC (toTime 0).Month }}', "*time.Time time.Time time.Month"),
        ("{{ $labels.absent }}{{ .Labels.absent }}|", "|"),
        ("{{ .Labels.__name__ }}", "m"),
        ("{{ $externalLabels.region }} {{ $externalURL }}", "eu http://ext.example/p"),
        ("{{ now }} {{ externalURL }} {{ pathPrefix }}", "60 http://ext.example/p /p"),
        ('{{ query "up" | first | value }}', "2"),
        ('{{ query "up" | first | label "q" }}', "up"),
        ('{{ range query "up" | sortByLabel "i" }}{{ .Labels.i }}={{ .Value }},{{ end }}', "a=1,b=2,"),
        ("{{ $value | humanizeTimestamp }}", "2015-07-01 09:00:00.5 +0000 UTC"),
        ('{{ ($value | toTime).Format "15:04" }}', "09:00"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "host.example.com host:80"),
        ('{{ stripDomain "10.0.0.1:80" }} {{ stripPort "[::1]:80" }}', "10.0.0.1:80 ::1"),
        ('{{ title "don\'t the-thing" }}', "Don't The-Thing"),
        ('{{ reReplaceAll "(.*):([0-9]+)" "$2 of ${1}" $labels.instance }}', "80 of host.example.com"),
        ('{{ match "exa" $labels.instance }}', "true"),
        ('{{ graphLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"),
        ('{{ parseDuration "1h30m" }}', "5400"),
        ('{{ humanize "12345" }}', "12.35k"),
        ("{{ args 1 }}", "map[arg0:1]"),
    ],
)
def test_a_function_answers_as_prometheus_does(text: str, expected: str) -> None:
    assert expand(text) == expected


ROOT_TYPE = (
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{{ . }}",
            "{map[__name__:m instance:host.example.com:80] map[region:eu] http://ext.example/p 1.4357412005e+09}",
        ),
        ("{{ $labels }}", "map[__name__:m instance:host.example.com:80]"),
        ('{{ printf "%s" $externalLabels }}', "map[region:eu]"),
        ('{{ printf "%08.3f|%8.3f|%-8.3f|" -1.0 -1.0 -1.0 }}', "-001.000|  -1.000|-1.000  |"),
        ('{{ printf "%d %s" "x" 1 }}', "%!d(string=x) %!s(int=1)"),
        ('{{ printf "%d" }} {{ printf "a" 1 "b" }}', "%!d(MISSING) a%!(EXTRA int=1, string=b)"),
        ('{{ printf "%T %T %T" $value $labels . }}', f"float64 map[string]string {ROOT_TYPE}"),
        ('{{ printf "%+v %#v" $externalLabels "a" }}', 'map[region:eu] "a"'),
        ("{{ title \"o'neil don't\" }}", "O'neil Don't"),
        ("{{ len $labels }}{{ range $k, $v := $labels }} {{ $k }}{{ end }}", "2 __name__ instance"),
        ('{{ define "t" }}<{{ .arg0 }}>{{ end }}{{ template "t" (args 1) }}', "<1>"),
        ('{{ toUpper "ß" }}{{ toLower "İ" }}', "ßi"),
    ],
)
def test_texts_are_those_of_go(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("{{ $value.x }}", "1:121", "<$value.x>: can't evaluate field x in type float64"),
        ("a\n{{ $value.x }}", "2:9", "<$value.x>: can't evaluate field x in type float64"),
        ("{{ .Nope }}", "1:115", f"<.Nope>: can't evaluate field Nope in type {ROOT_TYPE}"),
        (
            "{{ index $labels 5 }}",
            "1:115",
            "<index $labels 5>: error calling index: value has type int; should be string",
        ),
        ('{{ template "x" }}', "1:124", '<{{template "x"}}>: template "x" not defined'),
        ("{{ toUpper 3 }}", "1:123", "<3>: expected string; found 3"),
        ("{{ $value | toUpper }}", "1:124", "<toUpper>: wrong type for value; expected string; got float64"),
        ("{{ humanize }}", "1:115", "<humanize>: wrong number of args for humanize: want 1 got 0"),
        (
            '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}',
            "1:140",
            "exceeded maximum template depth (100000)",
        ),
    ],
)
def test_errors_are_those_of_go_with_their_place(text: str, place: str, message: str) -> None:
    answer = expand(text)
    start = "<error expanding template: error executing template __alert_Name: template: __alert_Name:"
    assert answer.startswith(f"{start}{place}: executing ")
    assert answer.endswith(f"{message}>")


def test_an_expansion_has_an_end_and_a_size() -> None:
    labels = labels_of({f"l{number}": "x" for number in range(60)})
    loops = "{{ range $labels }}" * 6 + "{{ end }}" * 6
    assert "loops go round more than" in expand(loops, TemplateData(labels, 0.0, 0))
    assert "longer than" in expand(
        '{{ range $labels }}{{ printf "%999999d" 1 }}{{ end }}', TemplateData(labels, 0.0, 0)
    )


@pytest.mark.parametrize("text", ["{{ (" * 3000, "{{ if 1 }}" * 3000, "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"])
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Templates().check("Name", text)


@given(st.text("{}$.|()\"'`%dv -:=/*\n eintrafsxlbk1", max_size=60))
def test_no_text_makes_anything_but_a_text(text: str) -> None:
    templates = Templates()
    try:
        templates.check("Name", "{{" + text)
    except TemplateSyntaxError:
        return
    assert isinstance(templates.expand("Name", "{{" + text, DATA), str)


@given(st.text("%+-# 0123456789.*[]vdsqxXeEfgGtTcbUoOpw!", max_size=12), st.sampled_from([1, -1.5, "a", True, None]))
def test_no_form_breaks_printf(form: str, value: object) -> None:
    assert isinstance(sprintf(form, [value]), str)


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        ("humanize", 0.0, "0"),
        ("humanize", math.inf, "+Inf"),
        ("humanize", -0.00012, "-120u"),
        ("humanize", 1e30, "1e+06Y"),
        ("humanize1024", 1048576.0, "1Mi"),
        ("humanize1024", 0.5, "0.5"),
        ("humanizeDuration", 0.0, "0s"),
        ("humanizeDuration", -100000.5, "-1d 3h 46m 40s"),
        ("humanizeDuration", 3600.0, "1h 0m 0s"),
        ("humanizeDuration", 59.999, "60s"),
        ("humanizeDuration", 0.0351, "35.1ms"),
        ("humanizeDuration", math.nan, "NaN"),
        ("humanizePercentage", 0.1234567, "12.35%"),
        ("humanizeTimestamp", math.nan, "NaN"),
    ],
)
def test_numbers_are_for_people(function: str, value: float, expected: str) -> None:
    data = TemplateData((), value, 0)
    assert expand(f"{{{{ $value | {function} }}}}", data) == expected


@pytest.mark.parametrize(
    "text",
    ['{{ humanize "x" }}', "{{ toUpper 3 }}", "{{ .Nope }}", '{{ template "x" }}', "{{ humanizeTimestamp 1e300 }}"],
)
def test_a_template_that_fails_becomes_a_text_that_says_so(text: str) -> None:
    assert expand(text).startswith("<error expanding template: ")


def test_a_query_that_fails_becomes_a_text_that_says_so() -> None:
    assert "no query is possible here" in expand('{{ query "up" }}', TemplateData((), 0.0, 0))


@pytest.mark.parametrize(
    ("text", "place"),
    [("{{ nope }}", (1, 4)), ("a\n  {{ nope }}", (2, 6)), ("{{ 'xy' }}", (1, 4)), ('{{ "\\d" }}', (1, 4))],
)
def test_a_template_that_does_not_parse_is_refused_at_its_place(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Templates().check("Name", text)
    assert (caught.value.line, caught.value.column) == place
