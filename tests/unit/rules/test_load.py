"""Loading rule files: the same verdicts as promtool, each mistake at its place."""

import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.errors import ConfigError, Problem
from sidecar.promql.format import format_expr
from sidecar.rules.group import AlertingRule, RecordingRule, RuleGroup
from sidecar.rules.load import load_rules
from tests.unit.rules.promtool import ROOT, find_promtool

GOLDEN = ROOT / "tests" / "golden" / "rules"
GOOD = sorted(GOLDEN.glob("good/*.yml"))
GOOD_NEWER = sorted(GOLDEN.glob("good-3.x/*.yml"))
BAD = sorted(GOLDEN.glob("bad/*.yml"))


def name_of(path: Path) -> str:
    return path.stem


def load(*texts: str) -> tuple[RuleGroup, ...]:
    return load_rules([(f"{number}.yml", text) for number, text in enumerate(texts)], 60_000)


def alert_in(text: str) -> AlertingRule:
    rule = load(text)[0].rules[0]
    assert isinstance(rule, AlertingRule)
    return rule


@pytest.mark.parametrize("path", [*GOOD, *GOOD_NEWER], ids=name_of)
def test_a_good_file_loads(path: Path) -> None:
    load_rules([(path.name, path.read_text(encoding="utf-8"))], 60_000)


@pytest.mark.parametrize("path", BAD, ids=name_of)
def test_a_bad_file_is_refused_with_each_problem_at_its_place(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules([(path.name, path.read_text(encoding="utf-8"))], 60_000)
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=name_of)
def test_promtool_comes_to_the_same_verdict(path: Path) -> None:
    verdict = subprocess.run([find_promtool(), "check", "rules", path], capture_output=True, check=False).returncode
    assert (verdict == 0) == (path.parent.name == "good")


def test_rule_files_of_others_load(shared_data: Path) -> None:
    paths = [path for path in shared_data.glob("promql/unittests/*/*.yaml") if "tests" not in path.stem]
    groups = load_rules([(path.name, path.read_text(encoding="utf-8")) for path in paths], 60_000)
    assert sum(len(group.rules) for group in groups) > 100


def test_scalars_stay_as_they_were_written_and_null_is_empty() -> None:
    rule = alert_in((GOLDEN / "good" / "scalars.yml").read_text(encoding="utf-8"))
    assert rule.name == "12"
    assert dict(rule.labels) == {
        "a": "yes",
        "b": "on",
        "c": "0777",
        "d": "1_000",
        "e": "12:30:45",
        "f": "2024-01-01",
        "g": "1e3",
        "h": "0x1F",
        "i": "",
        "j": "",
        "k": "~",
    }


def test_numbers_are_read_as_go_reads_them() -> None:
    groups = load((GOLDEN / "good" / "numbers.yml").read_text(encoding="utf-8"))
    assert [group.limit for group in groups] == [31, 1000, -3, 1, 8, 1000, 0]


def test_every_field_arrives() -> None:
    group = load((GOLDEN / "good" / "full.yml").read_text(encoding="utf-8"))[0]
    record, alert = group.rules
    assert (group.file, group.interval_ms, group.limit) == ("0.yml", 90_000, 10)
    assert isinstance(record, RecordingRule)
    assert (record.name, record.labels) == ("job:up:sum", (("team", "a"),))
    assert format_expr(record.expr) == "sum by (job) (up)"
    assert isinstance(alert, AlertingRule)
    assert (alert.for_ms, alert.keep_firing_for_ms) == (300_000, 3_600_000)


def test_a_group_without_interval_gets_the_default() -> None:
    assert [group.interval_ms for group in load("groups: [{name: a}, {name: b, interval: 0s}]")] == [60_000, 60_000]


def test_labels_of_a_group_are_under_those_of_its_rules() -> None:
    text = "groups: [{name: a, labels: {x: g, y: g}, rules: [{alert: a, expr: up, labels: {y: r, z: r}}]}]"
    assert alert_in(text).labels == (("x", "g"), ("y", "r"), ("z", "r"))


def test_a_merged_mapping_gives_what_the_rule_does_not() -> None:
    group = load((GOLDEN / "good" / "merge.yml").read_text(encoding="utf-8"))[0]
    assert group.rules[1].labels == (("severity", "info"), ("team", "shop"))


@pytest.mark.parametrize(
    ("second", "labels"),
    [
        ("{<<: *mid, own: x}", {"base": "b", "mid": "m", "own": "x"}),
        ("{<<: [{team: first}, {team: second}]}", {"team": "first"}),
        ("{<<: [{mid: nearer}, *mid]}", {"base": "b", "mid": "nearer"}),
        ("{<<: [*mid, {base: later, new: n}]}", {"base": "b", "mid": "m", "new": "n"}),
        ("{mid: own, <<: *mid, base: own}", {"base": "own", "mid": "own"}),
        ("{<<: {<<: {<<: {deep: d}, base: near}}}", {"deep": "d", "base": "near"}),
        ("{'<<': text}", {"<<": "text"}),
        ("{null: dropped, a: b}", {"a": "b"}),
        ("{a: !!str null, b: ! 5, c: !!binary c2hvcA==}", {"a": "null", "b": "5", "c": "shop"}),
    ],
)
def test_merges_and_tags_give_the_labels_that_prometheus_reads(second: str, labels: dict[str, str]) -> None:
    first = "{alert: a, expr: up, labels: &base {base: b}, annotations: &mid {<<: *base, mid: m}}"
    group = load(f"groups: [{{name: g, rules: [{first}, {{alert: b, expr: up, labels: {second}}}]}}]")[0]
    assert dict(group.rules[1].labels) == labels


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ("{<<: 5}", "6: `<<` takes a mapping or a list of mappings"),
        ("{<<: }", "6: `<<` takes a mapping or a list of mappings"),
        ("{<<: [{a: b}, 5]}", "15: `<<` takes a mapping or a list of mappings"),
        ("{<<: {a: b}, <<: {c: d}}", "14: key `<<` is given twice"),
        ("{<<: {a: b}, '<<': c}", "14: key `<<` is given twice"),
        ("{<<: {a: b, a: c}}", "13: key `a` is given twice"),
        ("&l {<<: *l}", "5: `<<` merges a mapping into itself"),
        ("{a: !!int x}", "5: `labels`: `x` is !!str and not !!int"),
        ("{a: !!binary x}", "5: `labels`: `!!binary` needs base64 of UTF-8 text"),
        ("{a: *nobody}", "5: not valid YAML: found undefined alias"),
    ],
)
def test_a_merge_or_a_tag_that_promtool_refuses_is_refused_where_it_stands(labels: str, problem: str) -> None:
    start = "groups: [{name: g, rules: [{alert: a, expr: up, labels: "
    with pytest.raises(ConfigError) as caught:
        load(f"{start}{labels}}}]}}]")
    (found,) = caught.value.problems
    column, _, message = problem.partition(": ")
    assert found[1:3] == (1, int(column) + len(start))
    assert found.message.startswith(message)


def test_merges_of_merges_end() -> None:
    lines = ["groups: [{name: g, rules: [{alert: a0, expr: up, labels: &l0 {a: b}}"]
    lines += [
        f"{{alert: a{n}, expr: up, labels: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 10)}]}}}}" for n in range(1, 40)
    ]
    with pytest.raises(ConfigError) as caught:
        load(",\n".join(lines) + "]}]")
    assert "more than 100000 values" in str(caught.value)


def test_a_second_document_is_told_and_nothing_of_it_is_read() -> None:
    text = "groups: [{name: a}]\n---\ngroups: [{name: b}]\n"
    warnings: list[Problem] = []
    groups = load_rules([("f.yml", text), ("g.yml", "groups: []\n---\n")], 60_000, warnings.append)
    assert [group.name for group in groups] == ["a"]
    assert [str(warning) for warning in warnings] == [
        "f.yml:2:1: a second document begins here; as in Prometheus, nothing of it is read"
    ]


def test_a_mistake_behind_unusual_line_ends_has_the_line_of_yaml() -> None:
    text = "groups:\x85- name: a\u2028  rules:\u2029  - alert: a\r    expr: |\r\n      up\n      }\n"
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.problems[0][1:3] == (7, 7)


def test_a_dollar_in_a_rule_file_is_a_dollar() -> None:
    rule = alert_in("groups: [{name: a, rules: [{alert: a, expr: up, annotations: {s: '${HOME} $$ {{ $value }}'}}]}]")
    assert rule.annotations == (("s", "${HOME} $$ {{ $value }}"),)


def test_the_problems_of_all_files_are_reported_together_in_reading_order() -> None:
    with pytest.raises(ConfigError) as caught:
        load("groups: [{name: a, limits: 1, interval: x}]", "groups: []", "groups: 3")
    assert [problem[:3] for problem in caught.value.problems] == [("0.yml", 1, 20), ("0.yml", 1, 41), ("2.yml", 1, 9)]


@pytest.mark.parametrize(
    ("expr", "place"),
    [
        ("up }", (4, 16)),
        ('"up }"', (4, 17)),
        ("'up }'", (4, 17)),
        ('"up{a=\\"b\\"} ]"', (4, 26)),
        ("|\n        up\n          }", (6, 11)),
        (">-\n        up\n\n        }", (7, 9)),
        ("up\n        }", (5, 9)),
    ],
    ids=["plain", "double quoted", "single quoted", "escaped", "literal", "folded", "plain over two lines"],
)
def test_a_mistake_in_an_expression_is_reported_where_it_stands_in_the_file(expr: str, place: tuple[int, int]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"groups:\n- name: a\n  rules:\n    - expr: {expr}\n      alert: a\n")
    assert caught.value.problems[0][1:3] == place
    assert "`expr`" in caught.value.problems[0].message


def test_a_file_nested_too_deeply_is_a_problem_and_not_a_crash() -> None:
    with pytest.raises(ConfigError):
        load("groups: " + "[" * 5000)


@given(st.text("groups: []{}&a*b!|>'\"#\n\t -?,:<~%@`x0", max_size=80))
def test_no_text_makes_anything_but_groups_or_problems_with_a_place(text: str) -> None:
    with suppress(ConfigError):
        load(text)
    with suppress(ConfigError):
        load(f"groups: [{{name: a, rules: [{{alert: a, expr: up, labels: {text}}}]}}]")


def test_an_interval_that_is_next_to_nothing_is_a_tenth_of_a_second_and_told() -> None:
    warnings: list[Problem] = []
    text = "groups: [{name: a, interval: 1ms, rules: []}, {name: b, interval: 100ms, rules: []}, {name: c, rules: []}]"
    groups = load_rules([("f.yml", text)], 60_000, warnings.append)
    assert [group.interval_ms for group in groups] == [100, 100, 60_000]
    assert [str(warning) for warning in warnings] == ["f.yml:1:30: an `interval` under 100 ms is 100 ms"]
