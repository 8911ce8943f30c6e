"""Shipped alerts: they load here and in promtool, do what their tests say, and each is explained."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sidecar.app.known_metrics import facts_of
from sidecar.promql.format import format_expr
from sidecar.promql.parse import parse
from sidecar.rules.group import AlertingRule
from sidecar.rules.lint.lint import lint_rules
from sidecar.rules.load import load_rules
from tests.unit.rules.promtool import ROOT, find_promtool

ALERTS = ROOT / "alerts"
RULES = sorted(ALERTS.glob("*.rules.yml"))
TESTS = sorted(ALERTS.glob("*.test.yml"))
SHIPPED = {
    "ServiceDown",
    "HighErrorRate",
    "HighLatencyP95",
    "PostgresDown",
    "RedisDown",
    "SidecarScrapeFailing",
    "SidecarSeriesRefused",
    "Watchdog",
}


def shipped() -> list[AlertingRule]:
    groups = load_rules([(path.name, path.read_text(encoding="utf-8")) for path in RULES], 60_000)
    return [rule for group in groups for rule in group.rules if isinstance(rule, AlertingRule)]


def name_of(value: AlertingRule | Path) -> str:
    return value.name


def test_the_shipped_alerts_are_these_and_each_is_there_once() -> None:
    assert sorted(rule.name for rule in shipped()) == sorted(SHIPPED)


@pytest.mark.parametrize("rule", shipped(), ids=name_of)
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_look(rule: AlertingRule) -> None:
    labels, annotations = dict(rule.labels), dict(rule.annotations)
    assert labels["severity"] in {"critical", "warning", "info"}
    assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert annotations["summary"].endswith(".")
    assert annotations["dashboard_url"].startswith("/d/sidecar-overview")
    assert not any("$value" in text for text in labels.values())


@pytest.mark.parametrize("rule", shipped(), ids=name_of)
def test_an_alert_has_its_runbook(rule: AlertingRule) -> None:
    path = dict(rule.annotations)["runbook_url"]
    assert path == f"docs/runbooks/{rule.name.lower()}.md"
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.startswith(f"# {rule.name}\n")
    assert re.findall(r"^## (How to check|What to do)", text, re.MULTILINE) == ["How to check", "What to do"]


def test_there_is_no_runbook_without_an_alert() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert pages == {name.lower() for name in SHIPPED}


@pytest.mark.parametrize("rule", shipped(), ids=name_of)
def test_an_alert_has_a_test_that_fires_and_all_but_the_watchdog_one_that_does_not(rule: AlertingRule) -> None:
    cases = [
        case
        for path in TESTS
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == rule.name
    ]
    fires = {bool(case["exp_alerts"]) for case in cases}
    assert fires == ({True} if rule.name == "Watchdog" else {True, False})


@pytest.mark.parametrize("rule", shipped(), ids=name_of)
def test_the_canonical_text_of_an_expression_parses_to_the_same(rule: AlertingRule) -> None:
    assert parse(format_expr(rule.expr)) == rule.expr


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_promtool_finds_nothing_wrong_with_the_rules(path: Path) -> None:
    command = [find_promtool(), "check", "rules", "--lint-fatal", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_the_alerts_fire_and_stay_quiet_as_their_tests_say(path: Path) -> None:
    done = subprocess.run([find_promtool(), "test", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_finds_nothing_in_the_rules() -> None:
    files = [(path.name, path.read_text(encoding="utf-8")) for path in RULES]
    assert lint_rules(files, 60_000, facts_of(None)) == []
