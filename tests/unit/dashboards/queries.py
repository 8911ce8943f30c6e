"""Rules of panels and their queries."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import promql_parser as promql

from tests.dashboard_queries import Dashboard, expressions, panels

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {"none", "short", "percentunit", "s", "bytes", "reqps", "ops", "Bps", "dateTimeFromNow"}
RATES = {"rate", "irate", "increase"}
COUNTER_SUFFIXES = ("_total", "_bucket", "_sum", "_count")
GAUGES_LIKE_COUNTERS = {"pg_stat_activity_count"}
"""Metrics whose names end like a counter's and are none; the names are postgres_exporter's."""

RATE_INTERVAL = timedelta(minutes=11, seconds=13)
"""Stands for $__rate_interval: a range that nobody would write by hand."""
STAND_INS = {"__rate_interval": "11m13s", "job": "the job", "instance": "the instance"}


def described(dashboard: Dashboard) -> Iterator[str]:
    """A panel says what it shows, in which unit, and what an empty one means."""
    for panel in panels(dashboard):
        fields = panel["fieldConfig"]["defaults"]
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']}: no title or description"
        if fields.get("unit") not in UNITS:
            yield f"{panel['title']}: unit {fields.get('unit')!r}"
        if not fields.get("noValue") or not fields.get("thresholds", {}).get("steps"):
            yield f"{panel['title']}: noValue or thresholds missing"


def states_have_words(dashboard: Dashboard) -> Iterator[str]:
    """A number that stands for a state is shown as a word."""
    for panel in panels(dashboard):
        fields = panel["fieldConfig"]["defaults"]
        if panel["type"] == "stat" and fields["unit"] == "none" and not fields["mappings"]:
            yield f"{panel['title']}: 0 and 1 are shown as numbers"


def asks_the_chosen_prometheus(dashboard: Dashboard) -> Iterator[str]:
    """Every panel has queries, and every query goes to the chosen data source."""
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield f"{panel['title']}: no query"
        for holder in (panel, *panel.get("targets", [])):
            if holder.get("datasource") != DATASOURCE:
                yield f"{panel['title']}: datasource {holder.get('datasource')}"


def queries_parse(dashboard: Dashboard) -> Iterator[str]:
    """Every query is PromQL."""
    for title, text in expressions(dashboard, STAND_INS):
        try:
            promql.parse(text)
        except ValueError as error:
            yield f"{title}: {error}: {text}"


def rates_follow_the_zoom(dashboard: Dashboard) -> Iterator[str]:
    """A rate is taken over $__rate_interval."""
    for title, path in _nodes(dashboard, promql.MatrixSelector):
        if path[-1].range != RATE_INTERVAL and _function(path[:-1]) in RATES:
            yield f"{title}: a rate over {path[-1].range}"


def selectors_have_a_scope(dashboard: Dashboard) -> Iterator[str]:
    """Every selector is restricted to the chosen jobs and instances."""
    for title, path in _nodes(dashboard, promql.VectorSelector):
        found = {(m.name, m.value) for m in path[-1].matchers.matchers if m.op == promql.MatchOp.Re}
        for name in ("job", "instance"):
            if (name, STAND_INS[name]) not in found:
                yield f'{title}: {path[-1].name} without {name}=~"${name}"'


def counters_are_rated(dashboard: Dashboard) -> Iterator[str]:
    """A counter is never shown as it is: lifetime totals say nothing."""
    for title, path in _nodes(dashboard, promql.VectorSelector):
        name = path[-1].name
        is_counter = name.endswith(COUNTER_SUFFIXES) and name not in GAUGES_LIKE_COUNTERS
        if is_counter and not (isinstance(path[-2], promql.MatrixSelector) and _function(path[:-2]) in RATES):
            yield f"{title}: {name} outside of rate or increase"


def no_instant_rates(dashboard: Dashboard) -> Iterator[str]:
    """irate shows two scrapes and hides what was between."""
    for title, path in _nodes(dashboard, promql.Call):
        if path[-1].func.name == "irate":
            yield f"{title}: irate"


def no_zero_by_zero(dashboard: Dashboard) -> Iterator[str]:
    """What something is divided by is a number or is compared with zero: 0/0 is NaN, and NaN is an empty graph."""
    for title, path in _nodes(dashboard, promql.BinaryExpr):
        if str(path[-1].op) == "/" and not _is_above_zero(path[-1].rhs):
            yield f"{title}: a division whose divisor may be 0"


def quantiles_need_traffic(dashboard: Dashboard) -> Iterator[str]:
    """histogram_quantile of a silent histogram is NaN, so it is asked only while there is traffic."""
    for title, path in _nodes(dashboard, promql.Call):
        if path[-1].func.name == "histogram_quantile":
            guards = [node for node in path[:-1] if isinstance(node, promql.BinaryExpr) and str(node.op) == "and"]
            if not any(_is_above_zero(guard.rhs) for guard in guards):
                yield f"{title}: a quantile without traffic is NaN"


def _is_above_zero(node: Any) -> bool:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.BinaryExpr):
        return str(node.op) == ">"
    return isinstance(node, promql.NumberLiteral)


def _function(path: list[Any]) -> str:
    """Return the name of the function whose argument comes after `path`, or nothing if it is no function's."""
    return str(path[-1].func.name) if path and isinstance(path[-1], promql.Call) else ""


def _nodes(dashboard: Dashboard, kind: type[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield (panel title, path from the root to the node) for every node of `kind` in the queries that parse."""
    for title, text in expressions(dashboard, STAND_INS):
        try:
            tree = promql.parse(text)
        except ValueError:
            continue
        yield from ((title, path) for path in _paths(tree) if isinstance(path[-1], kind))


def _paths(tree: Any) -> list[list[Any]]:
    paths: list[list[Any]] = []
    above: list[Any] = []

    def enter(node: Any) -> None:
        above.append(node)
        paths.append(list(above))

    def leave(_: Any) -> None:
        above.pop()

    promql.walk(tree, enter, leave)
    return paths


RULES = (
    described,
    states_have_words,
    asks_the_chosen_prometheus,
    queries_parse,
    rates_follow_the_zoom,
    selectors_have_a_scope,
    counters_are_rated,
    no_instant_rates,
    no_zero_by_zero,
    quantiles_need_traffic,
)
