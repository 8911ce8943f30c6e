"""Reads files of unit tests: the format of `promtool test rules`, each mistake at its place."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import yaml

from sidecar.model.errors import ConfigError
from sidecar.model.labels import Labels
from sidecar.model.yaml.text import Mark, mark_of
from sidecar.rules.document import RuleDocument
from sidecar.rules.go_scalar import bool_of, float_of, text_of

T = TypeVar("T")
DEFAULT_INTERVAL_MS = 60_000

_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare")
_TEST = (
    "interval",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
    "name",
    "start_timestamp",
)
_ALERT_CHECK = ("eval_time", "alertname", "exp_alerts")
_EXPR_CHECK = ("expr", "eval_time", "exp_samples")
_SAMPLE = ("labels", "value", "histogram")


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """A firing alert: pairs sorted by name, empty values included, which no alert has."""

    labels: Labels
    annotations: Labels


@dataclass(frozen=True, slots=True)
class AlertCheck:
    """`alert_rule_test`: the alerts of a name that fire at a time after the start."""

    place: Mark
    time_ms: int
    alert_name: str
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """A sample of a result, its labels in the notation of series; a `histogram` is none of ours."""

    labels: str
    value: float
    histogram: str


@dataclass(frozen=True, slots=True)
class ExprCheck:
    """`promql_expr_test`: what an expression gives at a time after the start."""

    place: Mark
    expr: str
    time_ms: int
    expected: tuple[ExpectedSample, ...]


@dataclass(frozen=True, slots=True)
class UnitTest:
    """One element of `tests`; `title` tells those without a name apart."""

    place: Mark
    name: str
    title: str
    interval_ms: int
    series: tuple[tuple[str, str], ...]
    alert_checks: tuple[AlertCheck, ...]
    expr_checks: tuple[ExprCheck, ...]
    external_labels: Labels
    external_url: str
    start_ms: int

    @property
    def last_ms(self) -> int:
        """Return how long after the start the last check is."""
        alerts = (check.time_ms for check in self.alert_checks)
        return max(*alerts, *(check.time_ms for check in self.expr_checks), 0, 0)


@dataclass(frozen=True, slots=True)
class UnitTestFile:
    """What a file holds; `group_order` has the names of groups that are evaluated in this order."""

    name: str
    rule_files: tuple[str, ...]
    interval_ms: int
    group_order: tuple[str, ...]
    fuzzy: bool
    tests: tuple[UnitTest, ...]


def read_unit_tests(name: str, text: str) -> UnitTestFile:
    """Return the unit tests in `text`; raise ConfigError with every mistake."""
    reader = _Reader(name, text)
    found = reader.file()
    if reader.document.problems:
        raise ConfigError(sorted(reader.document.problems, key=lambda problem: problem[1:3]))
    return found


class _Reader:
    """Reads one file; whatever is wrong goes to the document's problems and reading goes on."""

    def __init__(self, name: str, text: str) -> None:
        self.document = RuleDocument(name, text)

    def file(self) -> UnitTestFile:
        fields = self.document.fields(self.document.root, "file of unit tests", _FILE)
        interval_ms = self._duration_ms(fields, "evaluation_interval") or DEFAULT_INTERVAL_MS
        return UnitTestFile(
            name=self.document.name,
            rule_files=tuple(self._texts(fields, "rule_files")),
            interval_ms=interval_ms,
            group_order=self._group_order(fields),
            fuzzy=self.document.scalar(fields.get("fuzzy_compare"), "`fuzzy_compare`", bool_of) or False,
            tests=tuple(
                self._test(node, index, interval_ms)
                for index, node in enumerate(self.document.items(fields.get("tests"), "`tests`"))
            ),
        )

    def _group_order(self, fields: dict[str, yaml.Node]) -> tuple[str, ...]:
        names = self._texts(fields, "group_eval_order")
        if len(set(names)) < len(names):
            self.document.report(fields["group_eval_order"], "`group_eval_order` names a group twice")
        return tuple(names)

    def _test(self, node: yaml.Node, index: int, interval_ms: int) -> UnitTest:
        fields = self.document.fields(node, "unit test", _TEST)
        name = self._text(fields, "name")
        return UnitTest(
            place=mark_of(node),
            name=name,
            title=name or f"unnamed#{index}",
            interval_ms=self._duration_ms(fields, "interval") or interval_ms,
            series=tuple(self._each(fields, "input_series", self._series)),
            alert_checks=tuple(self._each(fields, "alert_rule_test", self._alert_check)),
            expr_checks=tuple(self._each(fields, "promql_expr_test", self._expr_check)),
            external_labels=self._pairs(fields, "external_labels"),
            external_url=self._text(fields, "external_url"),
            start_ms=self.document.scalar(fields.get("start_timestamp"), "`start_timestamp`", _time_ms) or 0,
        )

    def _series(self, node: yaml.Node) -> tuple[str, str]:
        fields = self.document.fields(node, "series", ("series", "values"))
        return self._text(fields, "series"), self._text(fields, "values")

    def _alert_check(self, node: yaml.Node) -> AlertCheck:
        fields = self.document.fields(node, "`alert_rule_test`", _ALERT_CHECK)
        name = self._text(fields, "alertname")
        if not name:
            self.document.report(node, "an item of `alert_rule_test` needs an `alertname`")
        expected = tuple(self._each(fields, "exp_alerts", self._alert))
        return AlertCheck(mark_of(node), self._duration_ms(fields, "eval_time"), name, expected)

    def _alert(self, node: yaml.Node) -> ExpectedAlert:
        fields = self.document.fields(node, "expected alert", ("exp_labels", "exp_annotations"))
        return ExpectedAlert(self._pairs(fields, "exp_labels"), self._pairs(fields, "exp_annotations"))

    def _expr_check(self, node: yaml.Node) -> ExprCheck:
        fields = self.document.fields(node, "`promql_expr_test`", _EXPR_CHECK)
        expected = tuple(self._each(fields, "exp_samples", self._sample))
        return ExprCheck(mark_of(node), self._text(fields, "expr"), self._duration_ms(fields, "eval_time"), expected)

    def _sample(self, node: yaml.Node) -> ExpectedSample:
        fields = self.document.fields(node, "expected sample", _SAMPLE)
        value = self.document.scalar(fields.get("value"), "`value`", float_of) or 0.0
        return ExpectedSample(self._text(fields, "labels"), value, self._text(fields, "histogram"))

    def _each(self, fields: dict[str, yaml.Node], name: str, read: Callable[[yaml.Node], T]) -> list[T]:
        return [read(node) for node in self.document.items(fields.get(name), f"`{name}`")]

    def _texts(self, fields: dict[str, yaml.Node], name: str) -> list[str]:
        return self._each(fields, name, lambda node: self.document.text(node, f"an item of `{name}`"))

    def _text(self, fields: dict[str, yaml.Node], name: str) -> str:
        return self.document.text(fields.get(name), f"`{name}`")

    def _duration_ms(self, fields: dict[str, yaml.Node], name: str) -> int:
        return self.document.duration_ms(fields.get(name), f"`{name}`")

    def _pairs(self, fields: dict[str, yaml.Node], name: str) -> Labels:
        return tuple(sorted((key.value, text) for key, text, _ in self.document.texts(fields.get(name), f"`{name}`")))


def _time_ms(node: yaml.ScalarNode) -> int:
    """Return Unix milliseconds of a time in seconds or in RFC 3339."""
    text = text_of(node)
    try:
        return round(float(text) * 1000)
    except (ValueError, OverflowError):
        pass
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone, such as `Z`")
    return round(moment.timestamp() * 1000)
