"""Reading rule files: what `promtool check rules` accepts becomes groups, what it rejects becomes problems."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import yaml

from sidecar.model.errors import ConfigError, Problem, QueryError
from sidecar.model.labels import METRIC_NAME
from sidecar.promql.ast import Expr, Number
from sidecar.promql.parse import parse
from sidecar.rules.document import RuleDocument
from sidecar.rules.group import AlertingRule, RecordingRule, Rule, RuleGroup, RuleLabels
from sidecar.rules.template import Templates, TemplateSyntaxError

_GROUP_FIELDS = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE_FIELDS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
LEAST_INTERVAL_MS = 100
"""That of all other intervals too: a mistyped one is not to take a processor for itself."""
_PARSE_ERROR = re.compile(r"(?P<line>\d+):(?P<column>\d+): parse error: (?P<message>.*)", re.DOTALL)


def _unheard(_: Problem) -> None:
    return


def load_rules(
    files: Iterable[tuple[str, str]],
    default_interval_ms: int,
    warn: Callable[[Problem], None] = _unheard,
    *,
    any_field: bool = False,
) -> tuple[RuleGroup, ...]:
    """Return the groups of `files`, pairs of name and text, in reading order.

    Raises ConfigError with the problems of all files at once; then none of them is to be used. `warn` is called with
    what is no mistake to Prometheus and hardly meant, such as a document that is not read. With `any_field` unknown
    fields are left out, which is otherwise a mistake.
    """
    templates = Templates()
    groups: list[RuleGroup] = []
    problems: list[Problem] = []
    for name, text in files:
        reader = RuleFile(RuleDocument(name, text, any_field=any_field), templates)
        groups += reader.groups(default_interval_ms)
        problems += sorted(reader.document.problems, key=lambda problem: problem[1:3])
        for warning in reader.document.warnings:
            warn(warning)
    if problems:
        raise ConfigError(problems)
    return tuple(groups)


class RuleNodes(NamedTuple):
    """Where a rule stands in its file: the whole, and its fields by name."""

    whole: yaml.Node
    fields: Mapping[str, yaml.Node]


class RuleFile:
    """Reads one file; whatever is wrong goes to the document's problems and reading goes on.

    `nodes` has those of the rules of all groups, in the order of the file.
    """

    def __init__(self, document: RuleDocument, templates: Templates) -> None:
        self.document = document
        self.nodes: list[RuleNodes] = []
        self._templates = templates

    def groups(self, default_interval_ms: int) -> list[RuleGroup]:
        """Return the groups; only meaningful if no problem was found."""
        fields = self.document.fields(self.document.root, "rule file", ("groups",))
        names: set[str] = set()
        return [
            self._group(node, names, default_interval_ms)
            for node in self.document.items(fields.get("groups"), "`groups`")
        ]

    def _group(self, node: yaml.Node, names: set[str], default_interval_ms: int) -> RuleGroup:
        fields = self.document.fields(node, "rule group", _GROUP_FIELDS)
        name = self.document.text(fields.get("name"), "`name`")
        if not name:
            self.document.report(node, "a rule group needs a `name`")
        elif name in names:
            self.document.report(fields["name"], f"group `{name}` is in this file twice")
        names.add(name)
        labels = self._labels(fields.get("labels"))
        rules = [self._rule(rule, labels) for rule in self.document.items(fields.get("rules"), "`rules`")]
        return RuleGroup(
            file=self.document.name,
            name=name,
            interval_ms=self._interval_ms(fields.get("interval")) or default_interval_ms,
            rules=tuple(rules),
            limit=self.document.integer(fields.get("limit"), "`limit`"),
            query_offset_ms=self.document.duration_ms(fields.get("query_offset"), "`query_offset`"),
        )

    def _interval_ms(self, node: yaml.Node | None) -> int:
        """Return how often a group is evaluated, 0 where it does not say."""
        given_ms = self.document.duration_ms(node, "`interval`")
        if node is None or not 0 < given_ms < LEAST_INTERVAL_MS:
            return given_ms
        self.document.warn(node, f"an `interval` under {LEAST_INTERVAL_MS} ms is {LEAST_INTERVAL_MS} ms")
        return LEAST_INTERVAL_MS

    def _rule(self, node: yaml.Node, group_labels: RuleLabels) -> Rule:
        fields = self.document.fields(node, "rule", _RULE_FIELDS)
        self.nodes.append(RuleNodes(node, fields))
        record = self.document.text(fields.get("record"), "`record`")
        alert = self.document.text(fields.get("alert"), "`alert`")
        if bool(record) == bool(alert):
            self.document.report(node, "a rule needs exactly one of `record` and `alert`")
        expr = self._expr(node, fields.get("expr"))
        labels = self._labels(fields.get("labels"), templates_of=alert)
        merged = tuple(sorted({**dict(group_labels), **dict(labels)}.items()))
        if record:
            self._check_record(record, fields)
            return RecordingRule(record, expr, merged)
        return AlertingRule(
            name=alert,
            expr=expr,
            labels=merged,
            annotations=self._annotations(fields.get("annotations"), alert),
            for_ms=self.document.duration_ms(fields.get("for"), "`for`"),
            keep_firing_for_ms=self.document.duration_ms(fields.get("keep_firing_for"), "`keep_firing_for`"),
        )

    def _expr(self, rule: yaml.Node, node: yaml.Node | None) -> Expr:
        text = self.document.text(node, "`expr`")
        if node is None or not text:
            self.document.report(node or rule, "a rule needs an `expr`")
            return Number(0)
        try:
            return parse(text)
        except QueryError as error:
            self._report_expr(node, str(error))
            return Number(0)

    def _report_expr(self, node: yaml.Node, message: str) -> None:
        match = _PARSE_ERROR.match(message)
        if match:
            place = int(match["line"]), int(match["column"])
            self.document.report_inside(node, *place, f"`expr`: {match['message']}")
        else:
            self.document.report(node, f"`expr`: {message}")

    def _check_record(self, record: str, fields: dict[str, yaml.Node]) -> None:
        """Report what only an alerting rule may have, and names that PromQL could not select."""
        if "{" in record or "}" in record:
            self.document.report(fields["record"], f"braces in the name `{record}`; should they be in `expr`?")
        for field in ("for", "keep_firing_for"):
            if self.document.duration_ms(fields.get(field), f"`{field}`"):
                self.document.report(fields[field], f"a recording rule has no `{field}`")
        if self.document.texts(fields.get("annotations"), "`annotations`"):
            self.document.report(fields["annotations"], "a recording rule has no `annotations`")

    def _labels(self, node: yaml.Node | None, templates_of: str = "") -> RuleLabels:
        entries = self.document.texts(node, "`labels`")
        for key, _, _ in entries:
            if key.value in ("", METRIC_NAME):
                self.document.report(key, f"`{key.value}` is not a label name that a rule may set")
        if templates_of:
            self._check_templates(templates_of, entries)
        return tuple((key.value, value) for key, value, _ in entries)

    def _annotations(self, node: yaml.Node | None, alert: str) -> tuple[tuple[str, str], ...]:
        entries = self.document.texts(node, "`annotations`")
        for key, _, _ in entries:
            if not key.value:
                self.document.report(key, "an annotation needs a name")
        self._check_templates(alert, entries)
        return tuple((key.value, value) for key, value, _ in entries)

    def _check_templates(self, alert: str, entries: Sequence[tuple[yaml.Node, str, yaml.Node]]) -> None:
        for key, text, node in entries:
            try:
                self._templates.check(alert, text)
            except TemplateSyntaxError as error:
                self.document.report_inside(node, error.line, error.column, f"template of `{key.value}`: {error}")
