"""`sidecar test-rules`: promtool's verdicts on files of unit tests, and what it says of those that fail."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse as parse_xml

import pytest
import yaml
from click.testing import CliRunner, Result

from sidecar.cli import main
from tests.conftest import ROOT

SHIPPED = sorted((ROOT / "alerts").glob("*.test.yml"))

RULES = """
groups:
- name: g
  rules:
  - {record: job:up:sum, expr: sum by (job) (up)}
  - {alert: Down, expr: up == 0, for: 2m, labels: {severity: page}, annotations: {summary: "{{ $labels.i }} is down"}}
"""
TESTS = """
rule_files: [rules.yml]
tests:
- name: one of two is down
  input_series:
  - {series: 'up{job="a",i="1"}', values: 1 0x4}
  - {series: 'up{job="a",i="2"}', values: 1x5}
  alert_rule_test:
  - {eval_time: 2m, alertname: Down}
  - eval_time: 3m
    alertname: Down
    exp_alerts: [{exp_labels: {job: a, i: 1, severity: page}, exp_annotations: {summary: 1 is down}}]
  promql_expr_test:
  - {expr: 'job:up:sum', eval_time: 3m, exp_samples: [{labels: 'job:up:sum{job="a"}', value: 1}]}
- name: nothing
  promql_expr_test:
  - {expr: up, eval_time: 1m}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder of its own that has rules and their tests."""
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "test.yml").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["test-rules", *map(str, words)])


def changed(old: str, new: str, name: str = "test.yml") -> Result:
    path = Path(name)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return run("test.yml")


def unit_test_files(shared_data: Path) -> list[Path]:
    files = shared_data.glob("promql/unittests/**/*.yaml")
    return sorted(path for path in files if re.search("^tests:", path.read_text(), re.MULTILINE))


@pytest.mark.timeout(120)
def test_files_of_others_pass(shared_data: Path) -> None:
    files = unit_test_files(shared_data)
    assert len(files) == 12
    done = run(*files)
    assert done.exit_code == 0, done.output
    assert re.search(r"^[0-9]+ passed, 0 failed\n\Z", done.output, re.MULTILINE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_alerts_pass(path: Path) -> None:
    done = run(path)
    assert done.exit_code == 0, done.output


@pytest.mark.timeout(120)
def test_a_broken_copy_of_each_file_fails_and_says_where_and_what(shared_data: Path) -> None:
    for path in unit_test_files(shared_data):
        content = yaml.safe_load(path.read_text())
        content["rule_files"] = [str(path.parent / name) for name in content["rule_files"]]
        for name, wanted in broken(content):
            Path("broken.yml").write_text(yaml.safe_dump(content))
            done = run("broken.yml")
            assert done.exit_code == 1, path
            for word in ("broken.yml:", f"name: {name}", "exp:", "got:", *wanted):
                assert word in done.output, (path, word, done.output)


def broken(content: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Leave one test in `content` and break a check of each kind; yield its name and what is to be told each time."""
    test = content["tests"][0]
    content["tests"] = [test]
    name = test.get("name") or "unnamed#0"
    alert, expr = (test.pop(kind, None) for kind in ("alert_rule_test", "promql_expr_test"))
    if alert:
        test["alert_rule_test"] = [{**alert[0], "exp_alerts": [{"exp_labels": {"made": "up"}}]}]
        yield name, (f"alertname: {alert[0]['alertname']}", 'made="up"')
        del test["alert_rule_test"]
    if expr:
        test["promql_expr_test"] = [{**expr[0], "exp_samples": [{"labels": 'made{it="up"}', "value": 4711}]}]
        yield name, ('{__name__="made", it="up"} 4.711E+03',)


def test_a_good_file_is_told_in_the_words_of_promtool() -> None:
    assert run("test.yml").output == "Unit Testing:  test.yml\n  SUCCESS\n\n2 passed, 0 failed\n"


def test_a_failure_has_its_place_and_both_sides() -> None:
    done = changed("severity: page}, exp", "severity: low}, exp")
    assert done.exit_code == 1
    assert done.output == (
        "Unit Testing:  test.yml\n"
        "  FAILED:\n"
        "    test.yml:10:5, name: one of two is down,\n"
        "    alertname: Down, time: 3m, \n"
        "        exp:[\n"
        "            0:\n"
        '              Labels:{alertname="Down", i="1", job="a", severity="low"}\n'
        '              Annotations:{summary="1 is down"}\n'
        "            ], \n"
        "        got:[\n"
        "            0:\n"
        '              Labels:{alertname="Down", i="1", job="a", severity="page"}\n'
        '              Annotations:{summary="1 is down"}\n'
        "            ]\n"
        "\n"
        "1 passed, 1 failed\n"
    )


def test_a_sample_that_differs_is_told() -> None:
    done = changed("value: 1}", "value: 2}")
    assert 'expr: "job:up:sum", time: 3m,\n        exp: {__name__="job:up:sum", job="a"} 2E+00\n' in done.output
    assert done.exit_code == 1


def test_the_difference_is_shown_as_one_text() -> None:
    changed("severity: page}, exp", "severity: low}, exp")
    changed("{eval_time: 2m, alertname: Down}", "{eval_time: 2m, alertname: Down, exp_alerts: [{}]}")
    output = run("--diff", "test.yml").output
    assert '"severity": "low" => "page"' in output
    assert "- {" in output


def test_the_neighbour_of_a_number_equals_it_only_when_asked() -> None:
    assert changed("value: 1}", "value: 1.0000000000000002}").exit_code == 1
    assert changed("rule_files", "fuzzy_compare: true\nrule_files").exit_code == 0
    assert changed("value: 1.0000000000000002}", "value: 1.000000000000001}").exit_code == 1


def test_the_clock_of_a_test_starts_where_it_says() -> None:
    check = "{expr: timestamp(up), eval_time: 1m, exp_samples: [{labels: '{}', value: %d}]}"
    tests = "tests: [{start_timestamp: %s, input_series: [{series: up, values: 1 1}], promql_expr_test: [%s]}]\n"
    for start, seconds in (("2024-01-01T00:00:00Z", 1704067260), ("100.5", 160), ("0", 60)):
        Path("clock.yml").write_text(tests % (start, check % seconds))
        done = run("clock.yml")
        assert (done.exit_code == 0) == (start != "100.5"), done.output


def test_only_tests_whose_name_matches_are_run() -> None:
    changed("name: nothing", "name: none")
    assert run("--run", "^noth", "--run", "two", "test.yml").output.endswith(
        "skipped 1: no --run matches the name\n1 passed, 0 failed\n"
    )
    done = run("--run", "(", "test.yml")
    assert done.exit_code == 2
    assert "not a regular expression" in done.output


def test_results_are_written_as_junit_too() -> None:
    changed("value: 1}", "value: 2}")
    run("--diff", "--junit", "out.xml", "test.yml")
    (suite,) = parse_xml("out.xml").getroot()  # written by ourselves just now
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("test.yml", "2", "1")
    assert [case.get("name") for case in suite] == ["one of two is down", "nothing"]
    assert "exp: {__name__" in str(suite[0][0].text)


def test_unknown_fields_of_rules_are_left_out_only_when_asked() -> None:
    assert "unknown field `owner`" in changed("for: 2m", "for: 2m, owner: me", "rules.yml").output
    assert run("--ignore-unknown-fields", "test.yml").exit_code == 0


def test_series_and_times_are_told_when_asked() -> None:
    output = run("--debug", "test.yml").output
    assert "DEBUG: Starting test nothing" in output
    assert 'job:up:sum{job="a"} => 2@[0] 1@[60]' in output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rule_files: [rules.yml]", "rule_files: [rules.yml, 'no*.yml']", "WARNING: no file match pattern no*.yml"),
        ("rules.yml", "none.yml", "WARNING: no file match pattern none.yml"),
        ("tests:", "test:", "test.yml:3:1: unknown field `test` in file of unit tests"),
        ("alertname: Down}", "alertnam: Down}", "test.yml:9:5: an item of `alert_rule_test` needs an `alertname`"),
        ("eval_time: 2m", "eval_time: 120", '`eval_time`: not a valid duration string: "120"'),
        ("value: 1}", "value: NaN}", "`value`: `NaN` is not a number"),
        ("1 0x4", "1 0y4", "name: one of two is down,\n    input_series: `0y4` is not a value"),
        ("expr: up,", "expr: sum(,", "expr: 'sum(', time: 1m, err: 1:1: parse error"),
        ("labels: 'job:up:sum{", "labels: 'job:up:sum}", "err: `job:up:sum}job="),
        ("value: 1}", "histogram: '{{sum:1}}'}", "native histograms are not supported"),
        ("1x5", "'{{sum:1}}x5'", "rule: job:up:sum, time: 0s, err: native histograms are not supported: up{"),
        ("rule_files", "group_eval_order: [g, g]\nrule_files", "`group_eval_order` names a group twice"),
    ],
)
def test_what_cannot_be_run_is_told(old: str, new: str, message: str) -> None:
    done = changed(old, new)
    assert message in done.output
    assert done.exit_code == (0 if "no*.yml" in new else 1)


def test_rules_that_do_not_load_fail_the_file() -> None:
    done = changed("up == 0", "up ==", "rules.yml")
    assert "    rules.yml:6:" in done.output
    assert done.output.endswith("0 passed, 1 failed\n")


def test_a_rule_that_fails_ends_its_test_only() -> None:
    done = changed("expr: up == 0", "expr: up * on (job) up", "rules.yml")
    assert "rule: Down, time: 0s, err: " in done.output
    assert done.output.endswith("1 passed, 1 failed\n")


def test_a_sample_that_another_rule_recorded_differently_fails() -> None:
    done = changed("rules:\n", "rules:\n  - {record: 'job:up:sum', expr: sum by (job) (up) + 1}\n", "rules.yml")
    assert "rule: job:up:sum, time: 0s, err: duplicate sample for timestamp" in done.output


def test_groups_are_evaluated_in_the_order_that_is_asked_for() -> None:
    Path("rules.yml").write_text(
        "groups: [{name: late, rules: [{record: b, expr: a * 2}]}, {name: early, rules: [{record: a, expr: up}]}]"
    )
    text = "rule_files: [rules.yml]\ntests: [{input_series: [{series: up, values: 3}], promql_expr_test: [CHECK]}]\n"
    check = "{expr: b, eval_time: 0, exp_samples: [{labels: b, value: 6}]}"
    Path("order.yml").write_text(text.replace("CHECK", check))
    assert run("order.yml").exit_code == 1
    Path("order.yml").write_text("group_eval_order: [early, late]\n" + text.replace("CHECK", check))
    assert run("order.yml").exit_code == 0
