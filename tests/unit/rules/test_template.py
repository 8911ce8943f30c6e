"""Templates: equal to Prometheus on real ones, and errors that harm nothing."""

import math
from pathlib import Path

import pytest

from sidecar.model.labels import labels_of
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
