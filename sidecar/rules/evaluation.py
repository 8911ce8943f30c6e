"""One evaluation of one rule: from the result of its expression to series, alerts and what receivers are told."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from sidecar.model.alert import Alert, AlertState
from sidecar.model.errors import QueryError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.promql.ast import Expr
from sidecar.promql.format import format_expr
from sidecar.promql.parse import parse
from sidecar.promql.result import Result, Scalar, Vector
from sidecar.promql.result import Sample as ResultSample
from sidecar.rules.answers import TemplateAnswers
from sidecar.rules.group import AlertingRule, RecordingRule, RuleGroup, RuleLabels
from sidecar.rules.state import ActiveAlert, ActiveAlerts, Finding, Holding, due, step
from sidecar.rules.template import TemplateData, Templates
from sidecar.rules.template_functions import table_link

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What an evaluation asks of the series: `expr` at a Unix time in milliseconds."""

    expr: Expr
    time_ms: int


Asking: TypeAlias = Generator[Question | None, Result | None, T]
"""Work in steps, between which others may run. A step that gives a Question wants the answer sent, or the QueryError
thrown into it."""

ALERT_NAME = "alertname"
ALERT_STATE = "alertstate"

_ALERTS = Family("ALERTS", MetricType.GAUGE, "1 for each alert that is pending or firing.")
_ALERTS_FOR_STATE = Family("ALERTS_FOR_STATE", MetricType.GAUGE, "Unix time since when an alert is active.")


@dataclass(frozen=True, slots=True)
class Sending:
    """What all alerts of a sidecar have in common when they are sent."""

    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    resend_delay_ms: int = 60_000
    base_urls: Mapping[str, str] = field(default_factory=dict)
    """By the annotation that is a link: what completes it where it is only a path, or missing."""

    def completed(self, annotations: Mapping[str, str], alert_name: str) -> Mapping[str, str]:
        """Return `annotations` of the alert of this name with links that lead somewhere."""
        links = {
            name: _link(base, annotations.get(name) or alert_name.lower()) for name, base in self.base_urls.items()
        }
        return {**annotations, **links}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation gave: series at the time of the query, alerts now remembered, alerts to send."""

    families: tuple[FamilySamples, ...]
    active: ActiveAlerts = field(default_factory=dict)
    notifications: tuple[Alert, ...] = ()


class Evaluator:
    """Evaluates rules; raises QueryError for a rule that fails, whose state is then to be left as it was."""

    def __init__(self, templates: Templates, sending: Sending) -> None:
        self._templates = templates
        self._sending = sending

    def record(self, rule: RecordingRule, group: RuleGroup, now_ms: int) -> Asking[Evaluation]:
        """Return the series that `rule` records at `now_ms`."""
        found = yield from _samples(rule.expr, now_ms - group.query_offset_ms)
        samples = [Sample(rule.name, _overridden(sample.labels, rule.labels), sample.value) for sample in found]
        if len({sample.labels for sample in samples}) < len(samples):
            raise QueryError("execution", "vector contains metrics with the same labelset after applying rule labels")
        if 0 < group.limit < len(samples):
            raise QueryError("execution", f"exceeded limit of {group.limit} with {len(samples)} series")
        family = Family(rule.name, MetricType.UNTYPED, "Recorded by a rule.")
        return Evaluation((FamilySamples(family, samples),))

    def alert(self, rule: AlertingRule, group: RuleGroup, active: ActiveAlerts, now_ms: int) -> Asking[Evaluation]:
        """Return what becomes of the `active` alerts of `rule` at `now_ms`; each alert's templates are a step."""
        findings = yield from self._findings(rule, now_ms - group.query_offset_ms, now_ms)
        stepped = step(active, findings, now_ms, Holding(rule.for_ms, rule.keep_firing_for_ms))
        living = [alert for alert in stepped.values() if alert.state is not AlertState.INACTIVE]
        if 0 < group.limit < len(living):
            raise LimitExceededError(group.limit, len(living))
        remembered, to_send = due(stepped, now_ms, self._sending.resend_delay_ms, group.interval_ms)
        url = self._sending.external_url + table_link(format_expr(rule.expr)) if to_send else ""
        notifications = tuple(self._notification(alert, url) for alert in to_send)
        return Evaluation(_alert_series(living), remembered, notifications)

    def _findings(self, rule: AlertingRule, query_ms: int, now_ms: int) -> Asking[list[Finding]]:
        answers = TemplateAnswers()
        findings = []
        for sample in (yield from _samples(rule.expr, query_ms)):
            finding = self._finding(rule, sample, answers, now_ms)
            while answers.missing is not None:
                yield from _answer(answers, answers.missing, query_ms)
                finding = self._finding(rule, sample, answers, now_ms)
            answers.forget()
            findings.append(finding)
            yield None
        if len({finding.labels for finding in findings}) < len(findings):
            raise QueryError("execution", "vector contains metrics with the same labelset after applying alert labels")
        return findings

    def _finding(self, rule: AlertingRule, sample: ResultSample, query: TemplateAnswers, now_ms: int) -> Finding:
        data = TemplateData(
            labels=sample.labels,
            value=sample.value,
            now_ms=now_ms,
            external_labels=self._sending.external_labels,
            external_url=self._sending.external_url,
            query=query,
        )

        def expanded(pairs: RuleLabels) -> RuleLabels:
            return tuple((name, self._templates.expand(rule.name, text, data)) for name, text in pairs)

        labels = _overridden(sample.labels, (*expanded(rule.labels), (ALERT_NAME, rule.name)))
        return Finding(labels, expanded(rule.annotations), sample.value)

    def _notification(self, alert: ActiveAlert, generator_url: str) -> Alert:
        """External labels are added here and not to the series, and give way to the alert's own."""
        ends_at_ms = alert.valid_until_ms if alert.resolved_at_ms is None else alert.resolved_at_ms
        assert alert.fired_at_ms is not None
        assert ends_at_ms is not None
        alert_name = dict(alert.labels).get(ALERT_NAME, "")
        return Alert(
            labels={**self._sending.external_labels, **dict(alert.labels)},
            annotations=self._sending.completed(dict(alert.annotations), alert_name),
            starts_at_ms=alert.fired_at_ms,
            ends_at_ms=ends_at_ms,
            generator_url=generator_url,
        )


def _link(base: str, path: str) -> str:
    return path if "://" in path else f"{base}/{path.lstrip('/')}"


class LimitExceededError(QueryError):
    """A rule has more alerts than its group allows: all of them are forgotten, as Prometheus does."""

    def __init__(self, limit: int, count: int) -> None:
        super().__init__("execution", f"exceeded limit of {limit} with {count} alerts")


def _samples(expr: Expr, time_ms: int) -> Asking[Sequence[ResultSample]]:
    result = yield Question(expr, time_ms)
    if isinstance(result, Vector):
        return result.samples
    if isinstance(result, Scalar):
        return (ResultSample((), result.value),)
    raise QueryError("execution", "rule result is not a vector or scalar")


def _answer(answers: TemplateAnswers, text: str, time_ms: int) -> Asking[None]:
    try:
        answers.put(text, (yield from _samples(parse(text), time_ms)))
    except QueryError as error:
        answers.put(text, error)


def _overridden(labels: Labels, added: RuleLabels) -> Labels:
    """Return the labels without the name, with those of the rule; an empty one removes."""
    merged = {**dict(labels), **dict(added)}
    merged.pop(METRIC_NAME, None)
    return labels_of(merged)


def _alert_series(living: Sequence[ActiveAlert]) -> tuple[FamilySamples, ...]:
    states = [
        Sample(_ALERTS.name, _overridden(alert.labels, ((ALERT_STATE, alert.state.value),)), 1.0) for alert in living
    ]
    since = [Sample(_ALERTS_FOR_STATE.name, alert.labels, float(alert.active_at_ms // 1000)) for alert in living]
    return FamilySamples(_ALERTS, states), FamilySamples(_ALERTS_FOR_STATE, since)
