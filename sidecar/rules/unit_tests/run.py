"""Runs one unit test: evaluates the rules over the series it gives, and compares as promtool does."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import NamedTuple, cast

from sidecar.model.alert import AlertState
from sidecar.model.duration import format_duration
from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.model.sample import STALE
from sidecar.model.yaml.text import Mark
from sidecar.promql.evaluate import evaluate_instant
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Scalar, Vector
from sidecar.rules.evaluation import Asking, Evaluation, Evaluator, Question, Sending
from sidecar.rules.group import AlertingRule, Rule, RuleGroup
from sidecar.rules.state import ActiveAlerts
from sidecar.rules.template import Templates
from sidecar.rules.unit_tests.document import (
    AlertCheck,
    ExpectedAlert,
    ExpectedSample,
    ExprCheck,
    UnitTest,
    UnitTestFile,
)
from sidecar.rules.unit_tests.notation import Described, read_metric, read_series
from sidecar.rules.unit_tests.series import UnitTestSeries

_NEVER_MS = 2**53
"""No unit test sends anything again."""


class GotSample(NamedTuple):
    """A sample of a result, or one that is expected, by its labels."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class AlertsDiffer:
    """Other alerts fire than the check says; both sides are sorted."""

    check: AlertCheck
    expected: tuple[ExpectedAlert, ...]
    got: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class SamplesDiffer:
    """An expression gives something else than the check says; both sides are sorted."""

    check: ExprCheck
    expected: tuple[GotSample, ...]
    got: tuple[GotSample, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The test cannot be carried out, or not any further."""

    place: Mark
    message: str


Failure = AlertsDiffer | SamplesDiffer | Broken


@dataclass(slots=True)
class _RuleState:
    """A rule and what its evaluations gave; `recorded` are the series of the last one."""

    rule: Rule
    group: RuleGroup
    active: ActiveAlerts = field(default_factory=dict)
    recorded: frozenset[Labels] = frozenset()


class UnitTestRun:
    """One run of `test`; `series` holds what there was to query when it is over."""

    def __init__(self, file: UnitTestFile, test: UnitTest, groups: Sequence[RuleGroup]) -> None:
        self.series = UnitTestSeries((), 0, 1)
        self._file = file
        self._test = test
        order = {name: index for index, name in enumerate(file.group_order)}
        ordered = sorted(groups, key=lambda group: order.get(group.name, 0))
        self._rules = [_RuleState(rule, group) for group in ordered for rule in group.rules]
        self._options = Options(default_step_ms=file.interval_ms)
        labels = dict(test.external_labels)
        self._evaluator = Evaluator(Templates(), Sending(labels, test.external_url, resend_delay_ms=_NEVER_MS))

    def failures(self) -> Iterator[Failure]:
        """Yield what is not as the test says; none is success."""
        try:
            self.series = UnitTestSeries(self._given(), self._test.start_ms, self._test.interval_ms)
        except ValueError as error:
            yield Broken(self._test.place, f"input_series: {error}")
            return
        checks = sorted(self._test.alert_checks, key=lambda check: check.time_ms)
        for since_ms in range(0, self._test.last_ms + 1, self._file.interval_ms):
            errors = list(self._evaluated(since_ms))
            if errors:
                yield from errors
                return
            while checks and checks[0].time_ms < since_ms + self._file.interval_ms:
                yield from self._compared_alerts(checks.pop(0))
        for check in self._test.expr_checks:
            yield from self._compared_samples(check)

    def _given(self) -> Iterator[Described]:
        """Yield the given series, read line by line as promtool does: nothing after a blank line is read."""
        text = "".join(f"{series} {values}\n" for series, values in self._test.series)
        lines = [line.strip() for line in text.split("\n")]
        yield from map(read_series, takewhile(lambda line: line and not line.startswith("#"), lines))

    def _evaluated(self, since_ms: int) -> Iterator[Broken]:
        """Evaluate all rules; yield those that fail."""
        now_ms = self._test.start_ms + since_ms
        self.series.advance(now_ms)
        for state in self._rules:
            try:
                self._evaluate(state, now_ms)
            except QueryError as error:
                message = f"rule: {state.rule.name}, time: {format_duration(since_ms)}, err: {error}"
                yield Broken(self._test.place, message)

    def _evaluate(self, state: _RuleState, now_ms: int) -> None:
        rule, group = state.rule, state.group
        if isinstance(rule, AlertingRule):
            evaluation = self._finished(self._evaluator.alert(rule, group, state.active, now_ms))
        else:
            evaluation = self._finished(self._evaluator.record(rule, group, now_ms))
        state.active = evaluation.active
        recorded = {
            labels_of((*sample.labels, (METRIC_NAME, sample.name))): sample.value
            for family in evaluation.families
            for sample in family.samples
        }
        for labels in state.recorded - recorded.keys():
            self._record(group, labels, now_ms, STALE)
        state.recorded = frozenset(recorded)
        kept = [self._record(group, labels, now_ms, value) for labels, value in recorded.items()]
        if not all(kept):
            raise QueryError("execution", "duplicate sample for timestamp")

    def _record(self, group: RuleGroup, labels: Labels, now_ms: int, value: float) -> bool:
        return self.series.record(labels, now_ms - group.query_offset_ms, value, group.query_offset_ms)

    def _finished(self, steps: Asking[Evaluation]) -> Evaluation:
        """Take all steps, and answer what they ask."""
        advance = partial(next, steps)
        while True:
            try:
                question = advance()
            except StopIteration as end:
                return cast("Evaluation", end.value)
            advance = partial(next, steps) if question is None else self._answered(steps, question)

    def _answered(self, steps: Asking[Evaluation], question: Question) -> "partial[Question | None]":
        try:
            result = evaluate_instant(question.expr, self.series, question.time_ms, self._options)
        except QueryError as error:
            return partial(steps.throw, error)
        return partial(steps.send, result)

    def _compared_alerts(self, check: AlertCheck) -> Iterator[AlertsDiffer]:
        name = {"alertname": check.alert_name}
        expected = [
            ExpectedAlert(tuple(sorted({**dict(alert.labels), **name}.items())), alert.annotations)
            for alert in check.expected
        ]
        got = [
            ExpectedAlert(alert.labels, tuple(sorted(alert.annotations)))
            for state in self._rules
            if isinstance(state.rule, AlertingRule) and state.rule.name == check.alert_name
            for alert in state.active.values()
            if alert.state is AlertState.FIRING
        ]
        if (wanted := _sorted_alerts(expected)) != (found := _sorted_alerts(got)):
            yield AlertsDiffer(check, wanted, found)

    def _compared_samples(self, check: ExprCheck) -> Iterator[SamplesDiffer | Broken]:
        try:
            got = sorted(self._answer(check), key=_by_labels)
            expected = sorted(map(_expected, check.expected), key=_by_labels)
        except (QueryError, ValueError) as error:
            at = format_duration(check.time_ms)
            yield Broken(check.place, f"expr: {check.expr!r}, time: {at}, err: {error}")
            return
        equal = _nearly_equal if self._file.fuzzy else float.__eq__
        same = [sample.labels for sample in expected] == [sample.labels for sample in got]
        if not same or not all(equal(a.value, b.value) for a, b in zip(expected, got, strict=True)):
            yield SamplesDiffer(check, tuple(expected), tuple(got))

    def _answer(self, check: ExprCheck) -> Sequence[GotSample]:
        time_ms = self._test.start_ms + check.time_ms
        result = evaluate_instant(parse(check.expr), self.series, time_ms, self._options)
        if isinstance(result, Vector):
            return [GotSample(*sample) for sample in result.samples]
        if isinstance(result, Scalar):
            return [GotSample((), result.value)]
        raise QueryError("execution", "rule result is not a vector or scalar")


def _expected(sample: ExpectedSample) -> GotSample:
    if sample.histogram:
        raise ValueError("native histograms are not supported")
    return GotSample(read_metric(sample.labels), sample.value)


def _sorted_alerts(alerts: Sequence[ExpectedAlert]) -> tuple[ExpectedAlert, ...]:
    return tuple(sorted(alerts, key=lambda alert: (alert.labels, alert.annotations)))


def _by_labels(sample: GotSample) -> Labels:
    return sample.labels


def _nearly_equal(one: float, other: float) -> bool:
    """Return whether no number, or none but these, lies between the two."""
    return other in (one, math.nextafter(one, -math.inf), math.nextafter(one, math.inf))
