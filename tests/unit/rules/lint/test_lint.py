"""Lint: what is hardly meant is told where it stands, what is meant is not, and a comment says that it is."""

import pytest

from sidecar.model.family import MetricType
from sidecar.promql.parse import parse
from sidecar.rules.lint.expressions import can_be_empty
from sidecar.rules.lint.facts import Facts
from sidecar.rules.lint.lint import NAMES, lint_rules

TYPES = {"g": MetricType.GAUGE, "c": MetricType.COUNTER}
FACTS = Facts(TYPES, lambda name: "nobody gives it" if name == "nothing" else "", 3_600_000)
HEAD = "groups: [{name: g, rules: ["


def lints(*rules: str, facts: Facts = FACTS) -> list[tuple[str, int]]:
    """Return the lints of rules on one line, each with its column after HEAD."""
    found = lint_rules([("f.yml", f"{HEAD}{', '.join(rules)}]}}]\n")], 60_000, facts)
    assert all(finding.problem[:2] == ("f.yml", 1) for finding in found)
    return [(finding.lint, finding.problem.column - len(HEAD)) for finding in found]


@pytest.mark.parametrize(
    ("rule", "lint", "column"),
    [
        ("{record: r, expr: 'sum(rate(g[5m]))'}", "rate-of-gauge", 29),
        ("{record: r, expr: 'increase((g[5m]))'}", "rate-of-gauge", 30),
        ("{alert: a, expr: g + c > 5}", "counter-without-rate", 22),
        ("{alert: a, expr: errors_total > 5}", "counter-without-rate", 18),
        ("{alert: a, expr: sum by (x) (c) > 5}", "counter-without-rate", 30),
        ("{alert: a, expr: g}", "no-comparison", 18),
        ("{alert: a, expr: sum(g) > bool 5}", "no-comparison", 18),
        ("{alert: a, expr: g > 1 or vector(0)}", "no-comparison", 18),
        ("{alert: a, expr: g > 1, for: 1m}", "for-under-two-intervals", 30),
        ("{alert: a, expr: g > 1, labels: {x: '{{ $value }}'}}", "value-in-label", 33),
        ("{alert: a, expr: g > 1, labels: {x: '{{ humanize .Value }}'}}", "value-in-label", 33),
        ("{record: r, expr: g + nothing}", "unknown-metric", 23),
        ("{record: r, expr: 'sum_over_time(g[2h])'}", "range-beyond-retention", 34),
        ("{record: r, expr: g offset 1h1s}", "range-beyond-retention", 19),
        ("{record: r, expr: 'max_over_time(rate(c[5m])[1h:])'}", "range-beyond-retention", 39),
    ],
)  # fmt: skip
def test_what_is_hardly_meant_is_told_where_it_stands(rule: str, lint: str, column: int) -> None:
    assert lints(rule) == [(lint, column)]


@pytest.mark.parametrize(
    "rule",
    [
        "{record: r, expr: 'rate(c[5m])'}",
        "{record: r, expr: 'rate(unknown[5m])'}",
        "{record: r, expr: 'deriv(g[5m]) + g'}",
        "{alert: a, expr: absent(c)}",
        "{alert: a, expr: count(c) < 2}",
        "{alert: a, expr: g > 1 and on (x) c}",
        "{alert: a, expr: c - c offset 5m > 3}",
        "{alert: a, expr: 'ALERTS{alertname=\"x\"}'}",
        "{alert: a, expr: sum(g > 1) or absent(g)}",
        "{alert: a, expr: g > 1, for: 2m, labels: {x: '{{ $labels.value }} $value'}}",
        "{record: r, expr: '{__name__=~\"x.*\"} + up'}",
        "{record: r, expr: 'sum_over_time(g[1h])'}",
    ],
)
def test_what_is_meant_is_not_told(rule: str) -> None:
    assert lints(rule) == []


def test_rules_that_give_the_same_series_are_told_in_all_files() -> None:
    rule = "{record: r, expr: g, labels: {a: b}}"
    files = [(name, f"{HEAD}{rule}]}}]") for name in ("a.yml", "b.yml")]
    assert [(finding.lint, finding.problem.file) for finding in lint_rules(files, 60_000, FACTS)] == [
        ("duplicate-rules", "a.yml"),
        ("duplicate-rules", "b.yml"),
    ]
    assert lints(rule, "{record: r, expr: g}") == []


def test_a_recorded_series_is_known_and_kept_for_as_long_as_it_is_read() -> None:
    assert lints("{record: nothing, expr: g}", "{record: r, expr: 'avg_over_time(nothing[3d])'}") == []


def test_an_interval_of_the_group_counts() -> None:
    text = "groups: [{name: g, interval: 10s, rules: [{alert: a, expr: g > 1, for: 20s}]}]"
    assert lint_rules([("f.yml", text)], 60_000, FACTS) == []


def test_comments_say_what_is_meant_of_their_own_rule_only() -> None:
    text = """groups:
- name: g
  rules:
  # sidecar disable no-comparison
  - alert: a
    expr: g
  - alert: b # sidecar disable for-under-two-intervals, no-comparison
    expr: |
      g
    for: 1m
  # sidecar disable counter-without-rate
  - alert: c
    expr: g
  # sidecar disable no-such-lint
  - alert: d
    expr: g > 1
"""
    found = [(finding.lint, finding.problem.line) for finding in lint_rules([("f.yml", text)], 60_000, FACTS)]
    assert found == [("no-comparison", 13), ("unknown-lint", 14)]


def test_a_place_in_an_expression_of_several_lines_is_that_of_the_metric() -> None:
    text = (
        "groups:\n- name: g\n  rules:\n  - record: r\n    expr: |\n      g\n        + rate(g[5m])\n        + nothing\n"
    )
    found = [finding.problem[1:3] for finding in lint_rules([("f.yml", text)], 60_000, FACTS)]
    assert found == [(6, 7), (8, 11)]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [("a == 1", True), ("-(a > 1)", True), ("a / (b > 0)", True), ("topk(1, a)", False), ("1", False)],
)
def test_an_expression_can_be_empty_when_something_in_it_compares(expr: str, expected: bool) -> None:
    assert can_be_empty(parse(expr)) is expected


def test_names_of_lints_are_told_apart() -> None:
    assert len(set(NAMES)) == len(NAMES) == 8
