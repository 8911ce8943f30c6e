"""One evaluation of one rule: series, alerts and notifications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest

from sidecar.model.alert import AlertState
from sidecar.model.errors import QueryError
from sidecar.model.labels import labels_of
from sidecar.model.steps import Steps, finished
from sidecar.promql.ast import Expr
from sidecar.promql.format import format_expr
from sidecar.promql.parse import parse
from sidecar.promql.result import Result, Sample, Scalar, Vector
from sidecar.rules.evaluation import Asking, Evaluation, Evaluator, Question, Sending
from sidecar.rules.group import AlertingRule, RecordingRule, RuleGroup
from sidecar.rules.state import ActiveAlerts
from sidecar.rules.template import Templates

NOW_MS = 1_700_000_000_000
UP = parse("up == 0")


@dataclass
class FakeQuery:
    """Answers each expression with what the test wrote down, and remembers when it was asked."""

    answers: Mapping[str, Result]
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, expr: Expr, time_ms: int) -> Result:
        self.asked.append((format_expr(expr), time_ms))
        return self.answers[format_expr(expr)]


def vector(*samples: tuple[Mapping[str, str], float]) -> Vector:
    return Vector(NOW_MS, tuple(Sample(labels_of(labels), value) for labels, value in samples))


def group(limit: int = 0, offset_ms: int = 0) -> RuleGroup:
    return RuleGroup("f.yml", "g", 30_000, (), limit, offset_ms)


class Answered:
    """An evaluator whose questions `query` answers."""

    def __init__(self, query: FakeQuery, sending: Sending = Sending()) -> None:  # noqa: B008 - frozen
        self._query = query
        self._evaluator = Evaluator(Templates(), sending)

    def alert(self, rule: AlertingRule, group: RuleGroup, active: ActiveAlerts, now_ms: int) -> Steps[Evaluation]:
        return self._answered(self._evaluator.alert(rule, group, active, now_ms))

    def record(self, rule: RecordingRule, group: RuleGroup, now_ms: int) -> Evaluation:
        return finished(self._answered(self._evaluator.record(rule, group, now_ms)))

    def _answered(self, steps: Asking[Evaluation]) -> Steps[Evaluation]:
        advance = partial(next, steps)
        while True:
            try:
                question = advance()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # what the generator returns
            advance = partial(next, steps)
            if question is None:
                yield
            else:
                advance = self._answer(steps, question)

    def _answer(self, steps: Asking[Evaluation], question: Question) -> "partial[Question | None]":
        try:
            return partial(steps.send, self._query(question.expr, question.time_ms))
        except QueryError as error:
            return partial(steps.throw, error)


def evaluator(result: Result, sending: Sending = Sending()) -> Answered:  # noqa: B008 - frozen
    return Answered(FakeQuery({"up == 0": result}), sending)


def series(evaluation: Evaluation) -> list[tuple[str, dict[str, str], float]]:
    return [(name, dict(labels), value) for family in evaluation.families for name, labels, value in family.samples]


def alert(result: Result, rule: AlertingRule, sending: Sending = Sending(), limit: int = 0) -> Evaluation:  # noqa: B008
    return finished(evaluator(result, sending).alert(rule, group(limit), {}, NOW_MS))


def test_a_recorded_series_has_the_rules_name_and_labels_and_an_empty_label_removes() -> None:
    rule = RecordingRule("new", UP, (("drop", ""), ("team", "a")))
    result = vector(({"__name__": "up", "drop": "x", "team": "b", "job": "j"}, 3.0))
    assert series(evaluator(result).record(rule, group(), NOW_MS)) == [("new", {"job": "j", "team": "a"}, 3.0)]


def test_a_scalar_is_recorded_as_a_series_without_labels() -> None:
    rule = RecordingRule("one", UP)
    assert series(evaluator(Scalar(NOW_MS, 1.0)).record(rule, group(), NOW_MS)) == [("one", {}, 1.0)]


def test_two_series_that_the_rules_labels_make_equal_are_an_error() -> None:
    result = vector(({"job": "a"}, 1.0), ({"job": "b"}, 1.0))
    with pytest.raises(QueryError, match="same labelset"):
        evaluator(result).record(RecordingRule("r", UP, (("job", ""),)), group(), NOW_MS)
    with pytest.raises(QueryError, match="same labelset"):
        alert(result, AlertingRule("A", UP, (("job", "x"),)))


def test_more_series_or_alerts_than_the_limit_are_an_error() -> None:
    result = vector(({"job": "a"}, 1.0), ({"job": "b"}, 1.0))
    with pytest.raises(QueryError, match="limit of 1 with 2 series"):
        evaluator(result).record(RecordingRule("r", UP), group(limit=1), NOW_MS)
    with pytest.raises(QueryError, match="limit of 1 with 2 alerts"):
        alert(result, AlertingRule("A", UP), limit=1)


def test_resolved_alerts_do_not_count_for_the_limit() -> None:
    rule = AlertingRule("A", UP)
    first = finished(evaluator(vector(({"job": "a"}, 1.0))).alert(rule, group(1), {}, NOW_MS))
    second = finished(evaluator(vector(({"job": "b"}, 1.0))).alert(rule, group(1), first.active, NOW_MS + 1))
    assert sorted(item.state for item in second.active.values()) == [AlertState.FIRING, AlertState.INACTIVE]


def test_the_query_is_asked_for_the_time_before_the_offset_and_everything_else_is_of_the_evaluation() -> None:
    query = FakeQuery({"up == 0": vector(({"job": "a"}, 1.0))})
    rule = AlertingRule("A", UP, annotations=(("now", "{{ now }}"),))
    evaluation = finished(Answered(query).alert(rule, group(offset_ms=5000), {}, NOW_MS))
    (active,) = evaluation.active.values()
    assert query.asked == [("up == 0", NOW_MS - 5000)]
    assert (active.active_at_ms, dict(active.annotations)) == (NOW_MS, {"now": "1.7e+09"})


def test_templates_see_the_name_of_the_metric_and_the_alert_does_not_carry_it() -> None:
    rule = AlertingRule("A", UP, (("from", "{{ .Labels.__name__ }}"), ("none", "{{ $labels.absent }}")))
    (active,) = alert(vector(({"__name__": "up", "job": "j"}, 0.0)), rule).active.values()
    assert dict(active.labels) == {"alertname": "A", "from": "up", "job": "j"}


def test_a_template_may_ask_a_query_of_its_own() -> None:
    query = FakeQuery({"up == 0": vector(({"job": "a"}, 1.0)), "vector(7)": vector(({}, 7.0))})
    rule = AlertingRule("A", UP, annotations=(("s", '{{ query "vector(7)" | first | value }} {{ query "!" }}'),))
    (active,) = finished(Answered(query).alert(rule, group(), {}, NOW_MS)).active.values()
    text = dict(active.annotations)["s"]
    assert text.startswith("<error expanding template")
    assert query.asked[1] == ("vector(7)", NOW_MS)


def test_a_query_in_a_template_is_asked_once_for_all_alerts_of_an_evaluation_and_anew_at_the_next() -> None:
    query = FakeQuery({"up == 0": vector(({"job": "a"}, 1.0), ({"job": "b"}, 1.0)), "vector(7)": vector(({}, 7.0))})
    rule = AlertingRule("A", UP, annotations=(("s", '{{ query "vector(7)" | first | value }} {{ $labels.job }}'),))
    working = Answered(query)
    for asked in (1, 2):
        evaluation = finished(working.alert(rule, group(), {}, NOW_MS))
        assert [dict(item.annotations)["s"] for item in evaluation.active.values()] == ["7 a", "7 b"]
        assert [text for text, _ in query.asked].count("vector(7)") == asked


def test_a_template_may_ask_many_queries_and_one_that_fails_fails_only_its_text() -> None:
    numbers = range(40)
    answers = {"up == 0": vector(({"job": "a"}, 1.0)), **{f"vector({n})": vector(({}, float(n))) for n in numbers}}
    queries = " ".join(f'{{{{ query "vector({n})" | first | value }}}}' for n in numbers)
    rule = AlertingRule(
        "A", UP, (("l", '{{ query "vector(3)" | first | value }}'),), (("s", queries), ("e", "{{ query `(` }}"))
    )
    query = FakeQuery(answers)
    (active,) = finished(Answered(query).alert(rule, group(), {}, NOW_MS)).active.values()
    assert dict(active.annotations)["s"] == " ".join(str(n) for n in numbers)
    assert dict(active.annotations)["e"].startswith("<error expanding template")
    assert dict(active.labels)["l"] == "3"
    assert len(query.asked) == 1 + len(numbers)


def test_an_evaluation_may_be_interrupted_before_each_alert() -> None:
    rule = AlertingRule("A", UP, annotations=(("s", "{{ $labels.job }}"),))
    steps = evaluator(vector(({"job": "a"}, 1.0), ({"job": "b"}, 1.0), ({"job": "c"}, 1.0))).alert(
        rule, group(), {}, NOW_MS
    )
    assert sum(1 for _ in steps) >= 3


def test_pending_and_firing_alerts_are_series_and_resolved_ones_are_not() -> None:
    labels = {"alertname": "A", "job": "a"}
    result = vector(({"job": "a"}, 9.0))
    since = ("ALERTS_FOR_STATE", labels, NOW_MS // 1000)
    for for_ms, state in [(0, "firing"), (60_000, "pending")]:
        evaluation = alert(result, AlertingRule("A", UP, for_ms=for_ms))
        assert series(evaluation) == [("ALERTS", {**labels, "alertstate": state}, 1.0), since]
    firing = alert(result, AlertingRule("A", UP))
    resolved = finished(evaluator(vector()).alert(AlertingRule("A", UP), group(), firing.active, NOW_MS + 1))
    assert (series(resolved), len(resolved.active)) == ([], 1)


def test_a_notification_links_to_the_expression_and_external_labels_give_way_to_the_alerts_own() -> None:
    sending = Sending({"job": "external", "region": "eu"}, "http://ext/p", 60_000)
    (sent,) = alert(
        vector(({"job": "a"}, 1.0)), AlertingRule("A", UP, annotations=(("s", "t"),)), sending
    ).notifications
    assert sent.labels == {"alertname": "A", "job": "a", "region": "eu"}
    assert sent.annotations == {"s": "t"}
    assert sent.generator_url == "http://ext/p/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    assert (sent.starts_at_ms, sent.ends_at_ms) == (NOW_MS, NOW_MS + 240_000)


def test_the_notification_of_a_resolved_alert_ends_when_it_was_resolved() -> None:
    firing = alert(vector(({"job": "a"}, 1.0)), AlertingRule("A", UP))
    resolved = finished(evaluator(vector()).alert(AlertingRule("A", UP), group(), firing.active, NOW_MS + 1000))
    (sent,) = resolved.notifications
    assert (sent.starts_at_ms, sent.ends_at_ms) == (NOW_MS, NOW_MS + 1000)


@pytest.mark.parametrize("samples", [[({"job": "a"}, 1.0)], []])
def test_a_pending_alert_is_not_sent(samples: Sequence[tuple[Mapping[str, str], float]]) -> None:
    assert alert(vector(*samples), AlertingRule("A", UP, for_ms=1)).notifications == ()


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ((), "http://wiki/runbooks/servicedown"),
        ((("runbook_url", "docs/down.md"),), "http://wiki/runbooks/docs/down.md"),
        ((("runbook_url", "/docs/down.md"),), "http://wiki/runbooks/docs/down.md"),
        ((("runbook_url", "https://else/where"),), "https://else/where"),
    ],
)
def test_links_that_are_only_paths_or_missing_are_completed_when_an_alert_is_sent(
    annotations: tuple[tuple[str, str], ...], expected: str
) -> None:
    sending = Sending(base_urls={"runbook_url": "http://wiki/runbooks"})
    rule = AlertingRule("ServiceDown", UP, annotations=annotations)
    evaluation = alert(vector(({"job": "a"}, 1.0)), rule, sending)
    (sent,) = evaluation.notifications
    assert sent.annotations == {"runbook_url": expected}
    (remembered,) = evaluation.active.values()
    assert remembered.annotations == annotations
