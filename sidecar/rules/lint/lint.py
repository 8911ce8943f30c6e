"""Lints rule files that load; each finding has its place, and a comment beside a rule may disable some."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

import yaml

from sidecar.model.duration import format_duration
from sidecar.model.errors import Problem
from sidecar.model.yaml.text import mark_of
from sidecar.promql.ast import VectorSelector, walk
from sidecar.promql.guard import blanked
from sidecar.rules.document import RuleDocument
from sidecar.rules.group import AlertingRule, RecordingRule, Rule, RuleGroup
from sidecar.rules.lint.expressions import bare_counters, can_be_empty, rates_of_gauges, reaches
from sidecar.rules.lint.facts import Facts
from sidecar.rules.load import RuleFile, RuleNodes
from sidecar.rules.template import Templates

DUPLICATE_RULES = "duplicate-rules"

_DISABLE = re.compile(r"(?:^|\s)#\s*sidecar\s+disable\s+(?P<names>[\w-]+(?:\s*,\s*[\w-]+)*)\s*$")
_VALUE = re.compile(r"\{\{[^}]*(?:\$value\b|\.Value\b)")
_EVERY_RULE_HAS = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE"})


class Finding(NamedTuple):
    """What is hardly meant, by the name of the lint that found it."""

    lint: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class _Context:
    """A rule and what is around it."""

    rule: Rule
    group: RuleGroup
    nodes: RuleNodes
    document: RuleDocument
    facts: Facts
    recorded: frozenset[str]

    def at(self, field: str, message: str, token: str = "") -> Problem:
        """Return a problem of a field, where `token` stands in it; of the rule where it does not have the field."""
        node = self.nodes.fields.get(field)
        if node is None:
            return Problem(self.document.name, *mark_of(self.nodes.whole), message)
        if not token or not isinstance(node, yaml.ScalarNode):
            return Problem(self.document.name, *mark_of(node), message)
        word = re.search(rf"(?<![\w:]){re.escape(token)}(?![\w:])", blanked(node.value))
        before = node.value[: word.start() if word else 0]
        return self.document.problem_inside(node, before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1, message)


def lint_rules(files: Iterable[tuple[str, str]], default_interval_ms: int, facts: Facts) -> Sequence[Finding]:
    """Return the findings in `files`, pairs of name and text that load, in reading order."""
    templates = Templates()
    readers = [RuleFile(RuleDocument(name, text), templates) for name, text in files]
    groups = [reader.groups(default_interval_ms) for reader in readers]
    rules = [rule for group in chain.from_iterable(groups) for rule in group.rules]
    recorded = frozenset(rule.name for rule in rules if isinstance(rule, RecordingRule))
    twice = Counter(map(_identity, rules))
    findings: list[Finding] = []
    for reader, its_groups in zip(readers, groups, strict=True):
        pairs = [(rule, group) for group in its_groups for rule in group.rules]
        found = []
        for (rule, group), nodes in zip(pairs, reader.nodes, strict=True):
            context = _Context(rule, group, nodes, reader.document, facts, recorded)
            if twice[_identity(rule)] > 1:
                message = "another rule gives the same series: same name and labels"
                found.append(Finding(DUPLICATE_RULES, context.at(_kind(rule), message)))
            found += [Finding(lint, problem) for lint, check in LINTS.items() for problem in check(context)]
        findings += sorted(_allowed(found, reader), key=lambda finding: finding.problem[1:3])
    return findings


def _identity(rule: Rule) -> tuple[object, ...]:
    return rule.name, rule.labels


def _kind(rule: Rule) -> str:
    return "alert" if isinstance(rule, AlertingRule) else "record"


def _rate_of_gauge(context: _Context) -> Iterator[Problem]:
    for name, function in rates_of_gauges(context.rule.expr, context.facts.types):
        message = f"`{name}` is a gauge, of which {function}() makes no sense; deriv() and delta() are for gauges"
        yield context.at("expr", message, name)


def _counter_without_rate(context: _Context) -> Iterator[Problem]:
    for name in dict.fromkeys(bare_counters(context.rule.expr, context.facts.types)):
        message = f"`{name}` is a counter, whose value depends on when it began; rate() or increase() was meant?"
        yield context.at("expr", message, name)


def _no_comparison(context: _Context) -> Iterator[Problem]:
    if isinstance(context.rule, AlertingRule) and not can_be_empty(context.rule.expr):
        yield context.at("expr", "fires for every series that there is: nothing in it compares")


def _for_under_two_intervals(context: _Context) -> Iterator[Problem]:
    rule, interval_ms = context.rule, context.group.interval_ms
    if isinstance(rule, AlertingRule) and 0 < rule.for_ms < 2 * interval_ms:
        message = f"`for` is under two intervals of {format_duration(interval_ms)}: one look more is all it asks for"
        yield context.at("for", message)


def _value_in_label(context: _Context) -> Iterator[Problem]:
    if isinstance(context.rule, AlertingRule):
        for name, text in context.rule.labels:
            if _VALUE.search(text):
                message = f"label `{name}` has the value in it: each new value is another alert, and `for` begins anew"
                yield context.at("labels", message)


def _unknown_metric(context: _Context) -> Iterator[Problem]:
    selectors = (node for node in walk(context.rule.expr) if isinstance(node, VectorSelector))
    for name in dict.fromkeys(selector.name for selector in selectors):
        if name and name not in context.recorded and name not in _EVERY_RULE_HAS:
            reason = context.facts.missing(name)
            if reason:
                yield context.at("expr", f"no series `{name}`: {reason}", name)


def _range_beyond_retention(context: _Context) -> Iterator[Problem]:
    retention_ms = context.facts.retention_ms
    for selector, reach_ms in reaches(context.rule.expr):
        if retention_ms is not None and reach_ms > retention_ms and selector.name not in context.recorded:
            message = (
                f"reads {format_duration(reach_ms)} back, samples are kept for {format_duration(retention_ms)} "
                "(`head.retention_seconds`); a recorded series is kept for longer"
            )
            yield context.at("expr", message, selector.name)


LINTS: Mapping[str, Callable[[_Context], Iterator[Problem]]] = {
    "rate-of-gauge": _rate_of_gauge,
    "counter-without-rate": _counter_without_rate,
    "no-comparison": _no_comparison,
    "for-under-two-intervals": _for_under_two_intervals,
    "value-in-label": _value_in_label,
    "unknown-metric": _unknown_metric,
    "range-beyond-retention": _range_beyond_retention,
}
NAMES = (DUPLICATE_RULES, *LINTS)


def _allowed(findings: Sequence[Finding], reader: RuleFile) -> Iterator[Finding]:
    """Yield the findings that no comment disables, and the comments that name no lint."""
    disabled = _disabled(reader.document)
    for line, names in disabled.items():
        for name in sorted(names - {*NAMES}):
            message = f"no lint is called `{name}`; there are {', '.join(NAMES)}"
            yield Finding("unknown-lint", Problem(reader.document.name, line, 1, message))
    spans = _spans([nodes.whole for nodes in reader.nodes], disabled)
    for finding in findings:
        rows = next((span for span in spans if finding.problem.line in span), range(0))
        if not any(finding.lint in names for row, names in disabled.items() if row in rows):
            yield finding


def _disabled(document: RuleDocument) -> dict[int, frozenset[str]]:
    """Return by line the lints that a comment names."""
    comments = ((number, _DISABLE.search(line)) for number, line in enumerate(document.lines, 1))
    return {number: frozenset(re.split(r"\s*,\s*", match["names"])) for number, match in comments if match}


def _spans(rules: Sequence[yaml.Node], disabled: Mapping[int, frozenset[str]]) -> Sequence[range]:
    """Return the lines of each rule, comments right above it included."""
    firsts = [_first_line(rule, disabled) for rule in rules]
    return [range(first, max(end, first + 1)) for first, end in pairwise([*firsts, sys.maxsize])]


def _first_line(rule: yaml.Node, disabled: Mapping[int, frozenset[str]]) -> int:
    first = int(rule.start_mark.line) + 1
    while first - 1 in disabled:
        first -= 1
    return first
