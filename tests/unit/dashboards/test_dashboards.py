"""Every shipped dashboard keeps the rules, and every rule notices a dashboard that does not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dashboard_queries import (
    FOLDER,
    Dashboard,
    dashboard_files,
    expressions,
    read_dashboard,
    substitute,
    variable_names,
)
from tests.unit.dashboards import queries, structure

Rule = Callable[[Dashboard], Iterator[str]]

OVERVIEW = FOLDER / "overview.json"
RULES = (*structure.RULES, *queries.RULES)


def put(*path: str | int, value: object) -> Callable[[Dashboard], None]:
    """Return what puts `value` at `path` in a dashboard."""

    def break_it(dashboard: Dashboard) -> None:
        place = dashboard
        for key in path[:-1]:
            place = place[key]  # type: ignore[index]
        place[path[-1]] = value  # type: ignore[index]

    return break_it


def ask(expr: str) -> Callable[[Dashboard], None]:
    """Return what makes `expr` the first query of a dashboard."""
    return put("panels", 0, "targets", 0, "expr", value=expr)


SCOPE = 'job=~"$job", instance=~"$instance"'

BREAKS: tuple[tuple[Rule, Callable[[Dashboard], None]], ...] = (
    (structure.identity, put("id", value=7)),
    (structure.identity, put("uid", value="c0ffee")),
    (structure.identity, put("tags", value=["sidecar"])),
    (structure.opening, put("refresh", value="5s")),
    (structure.opening, put("graphTooltip", value=0)),
    (structure.unique_ids, put("panels", 0, "id", value=2)),
    (structure.unique_ids, put("panels", 7, "targets", 0, "refId", value="B")),
    (structure.grid, put("panels", 0, "gridPos", "w", value=25)),
    (structure.grid, put("panels", 0, "gridPos", "h", value=9)),
    (structure.datasource_variable, put("templating", "list", 0, "name", value="ds")),
    (structure.scope_variables, put("templating", "list", 1, "allValue", value=".*")),
    (structure.scope_variables, put("templating", "list", 2, "name", value="pod")),
    (structure.known_variables, ask("up{job=~'$jobs'}")),
    (structure.links, put("links", value=[])),
    (structure.links, put("links", 1, "url", value="/d/sidecar-nowhere")),
    (structure.links, put("panels", 0, "links", value=[{"url": "nowhere"}])),
    (structure.annotations, put("annotations", "list", value=[])),
    (queries.described, put("panels", 0, "description", value="")),
    (queries.described, put("panels", 0, "fieldConfig", "defaults", "unit", value="parsecs")),
    (queries.described, put("panels", 0, "fieldConfig", "defaults", "noValue", value="")),
    (queries.states_have_words, put("panels", 0, "fieldConfig", "defaults", "mappings", value=[])),
    (queries.asks_the_chosen_prometheus, put("panels", 0, "targets", value=[])),
    (queries.asks_the_chosen_prometheus, put("panels", 0, "targets", 0, "datasource", value={"uid": "mine"})),
    (queries.queries_parse, ask("sum(")),
    (queries.rates_follow_the_zoom, ask("rate(x_total[5m])")),
    (queries.selectors_have_a_scope, ask('pg_up{job=~"$job"}')),
    (queries.selectors_have_a_scope, ask('pg_up{job="$job", instance=~"$instance"}')),
    (queries.counters_are_rated, ask(f"sum(x_total{{{SCOPE}}})")),
    (queries.counters_are_rated, ask(f"max_over_time(x_total{{{SCOPE}}}[$__rate_interval])")),
    (queries.no_instant_rates, ask("avg(irate(x_total[$__rate_interval]))")),
    (queries.no_zero_by_zero, ask(f"sum(a{{{SCOPE}}}) / sum(b{{{SCOPE}}})")),
    (queries.quantiles_need_traffic, ask("histogram_quantile(0.9, sum by (le) (rate(x_bucket[$__rate_interval])))")),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", dashboard_files(), ids=lambda path: path.stem)
def test_a_shipped_dashboard_keeps_the_rule(path: Path, rule: Rule) -> None:
    assert list(rule(read_dashboard(path))) == []


@pytest.mark.parametrize(("rule", "break_it"), BREAKS, ids=[rule.__name__ for rule, _ in BREAKS])
def test_a_rule_notices_a_broken_dashboard(rule: Rule, break_it: Callable[[Dashboard], None]) -> None:
    broken = read_dashboard(OVERVIEW)
    break_it(broken)
    assert list(rule(broken))


def test_every_rule_has_a_dashboard_that_breaks_it() -> None:
    assert {rule for rule, _ in BREAKS} == set(RULES)


def test_uids_are_unique_over_all_dashboards() -> None:
    uids = [read_dashboard(path)["uid"] for path in dashboard_files()]
    assert len(uids) == len(set(uids)) > 0


def test_the_overview_has_twelve_panels() -> None:
    assert len(read_dashboard(OVERVIEW)["panels"]) == 12


def test_expressions_have_no_variable_left_and_take_the_given_values() -> None:
    overview = read_dashboard(OVERVIEW)
    for _title, text in expressions(overview, {"job": "demo"}):
        assert not variable_names(text)
        assert 'job=~"demo", instance=~".+"' in text


def test_variables_are_replaced_in_each_of_their_forms() -> None:
    assert substitute("$a ${a} ${a:regex} [$__b] $1", {"a": "x", "__b": "1m"}) == "x x x [1m] $1"
    with pytest.raises(KeyError):
        substitute("$unknown", {})
