"""Rule groups on time: at their slots, in order, each rule for itself, over reloads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from sidecar.jobs.evaluate import RuleEvaluation, RuleFailed, Surroundings
from sidecar.model.alert import Alert, AlertState
from sidecar.model.errors import QueryError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, labels_of
from sidecar.model.sample import SampleBatch
from sidecar.model.span import SpanKind
from sidecar.promql.ast import Expr
from sidecar.promql.config import PromqlConfig
from sidecar.promql.evaluate import evaluate_instant
from sidecar.promql.format import format_expr
from sidecar.promql.result import Result, Scalar, Vector
from sidecar.promql.result import Sample as ResultSample
from sidecar.rules.evaluation import Evaluator, Sending
from sidecar.rules.group import RuleGroup
from sidecar.rules.load import load_rules
from sidecar.rules.record import RuleHealth, RuleRecord
from sidecar.rules.store import RuleStore
from sidecar.rules.template import Templates
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.queries import Queries
from sidecar.runtime.tracing import Value
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, Panic, RecordedEvents, RecordedSpan, RecordedTracing, settle

INTERVAL_SECONDS = 10


@dataclass
class FakeHead:
    """Remembers what it was given, in order."""

    journal: list[str] = field(default_factory=list)
    batches: list[SampleBatch] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def accept(self, batch: SampleBatch, /) -> int:
        self.batches.append(batch)
        self.journal += [f"accept {sample.name}" for family in batch.families for sample in family.samples]
        return 0

    def end(self, source: str, time_ms: int, /) -> None:
        self.ended.append(source)


@dataclass
class FakeReceiver:
    """Keeps the alerts it is told about."""

    alerts: list[Alert] = field(default_factory=list)

    def accept(self, batch: Sequence[Alert], /) -> int:
        self.alerts += batch
        return 0


class Bench:
    """Everything around the evaluation, with answers that the test may change."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        self.registry = CollectorRegistry()
        self.meter = Meter(self.registry)
        self.head = FakeHead()
        self.receiver = FakeReceiver()
        self.tracing = RecordedTracing()
        self.store = RuleStore()
        self.asked: list[tuple[str, int]] = []
        self.answers: dict[str, Callable[[], Result]] = {}

    async def instant(self, expr: Expr, time_ms: int, /) -> Result:
        text = format_expr(expr)
        self.asked.append((text, time_ms))
        self.head.journal.append(f"query {text}")
        return self.answers[text]() if text in self.answers else Scalar(time_ms, 1.0)

    def component(self, groups: Sequence[RuleGroup]) -> RuleEvaluation:
        around = (self.clock, self.events, self.meter, self.head, self, (self.receiver,))
        surroundings = Surroundings(*around, self.tracing)
        return RuleEvaluation(groups, self.store, Evaluator(Templates(), Sending()), surroundings)

    @asynccontextmanager
    async def running(self, text: str) -> AsyncIterator[None]:
        groups = load_rules([("f", text)], INTERVAL_SECONDS * 1000)
        async with open_tier(self.clock, self.events) as tier:
            await tier.start(self.component(groups))
            yield

    def count(self, name: str, group: str = "f;g") -> float | None:
        return self.registry.get_sample_value(f"prometheus_rule_{name}", {"rule_group": group})

    def record(self, name: str) -> RuleRecord:
        return next(record for record in self.store.rules if record.rule.name == name)


def group_of(*rules: str, name: str = "g") -> str:
    return f"groups: [{{name: {name}, rules: [{', '.join(rules)}]}}]"


def vector(*jobs: str) -> Callable[[], Result]:
    samples = tuple(ResultSample(labels_of({"job": job}), 1.0) for job in jobs)
    return lambda: Vector(0, samples)


def failing(error: BaseException) -> Callable[[], Result]:
    def fail() -> Result:
        raise error

    return fail


@pytest.fixture
def bench() -> Bench:
    return Bench()


ALERT = "{alert: A, expr: up == 0}"


async def test_a_group_is_evaluated_for_its_slots_and_at_none_twice(bench: Bench) -> None:
    async with bench.running(group_of("{record: r, expr: vector(1)}")):
        await bench.clock.advance(5 * INTERVAL_SECONDS)
    group = bench.store.groups[0].group
    times = [time_ms for _, time_ms in bench.asked]
    assert len(times) == 5
    assert times == [group.slot(time_ms) for time_ms in times]
    assert {after - before for before, after in pairwise(times)} == {INTERVAL_SECONDS * 1000}
    assert [batch.time_ms for batch in bench.head.batches] == times
    assert bench.count("group_iterations_total") == 5
    assert bench.count("group_iterations_missed_total") == 0
    assert bench.count("group_last_evaluation_timestamp_seconds") == times[-1] / 1000


async def test_rules_of_a_group_are_evaluated_in_order_each_seeing_what_the_one_before_recorded(bench: Bench) -> None:
    async with bench.running(group_of("{record: one, expr: x}", "{record: two, expr: y}")):
        await bench.clock.advance(INTERVAL_SECONDS)
    assert bench.head.journal == ["query x", "accept one", "query y", "accept two"]


@asynccontextmanager
async def watched(bench: Bench) -> AsyncIterator[list[int]]:
    """Yield a list that grows by how many queries were asked whenever the loop is free and the number is another."""
    seen: list[int] = []

    async def watch() -> None:
        while True:
            await asyncio.sleep(0)
            if not seen or seen[-1] != len(bench.asked):
                seen.append(len(bench.asked))

    async with asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(watch())
        yield seen
        watcher.cancel()


async def test_the_loop_is_free_between_two_rules(bench: Bench) -> None:
    rules = group_of(*(f"{{record: r{number}, expr: x}}" for number in range(5)))
    async with bench.running(rules), watched(bench) as seen:
        await bench.clock.advance(INTERVAL_SECONDS)
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_the_loop_is_free_between_the_alerts_of_a_rule_whose_templates_take_long(bench: Bench) -> None:
    def slow() -> Result:
        bench.clock.pass_by(0.02)
        return Scalar(0, 1.0)

    bench.answers = {"up == 0": vector("a", "b", "c"), 'x{job="a"}': slow, 'x{job="b"}': slow, 'x{job="c"}': slow}
    template = '{{ query (printf "x{job=%q}" $labels.job) | first | value }}'
    rules = group_of(f"{{alert: A, expr: up == 0, annotations: {{s: '{template}'}}}}")
    async with bench.running(rules), watched(bench) as seen:
        await bench.clock.advance(INTERVAL_SECONDS)
    assert seen == [0, 2, 3, 4]
    assert [dict(alert.annotations) for alert in bench.record("A").active.values()] == [{"s": "1"}] * 3
    assert len(bench.head.batches) == 1


async def test_slots_that_a_slow_evaluation_missed_are_left_out_and_counted(bench: Bench) -> None:
    def slow() -> Result:
        bench.clock.pass_by(3.5 * INTERVAL_SECONDS if len(bench.asked) == 1 else 0)
        return Scalar(0, 1.0)

    bench.answers["x"] = slow
    async with bench.running(group_of("{record: r, expr: x}")):
        await bench.clock.advance(INTERVAL_SECONDS)
        await bench.clock.advance(4 * INTERVAL_SECONDS)
    times = [time_ms for _, time_ms in bench.asked]
    assert times[1] - times[0] == 3 * INTERVAL_SECONDS * 1000
    assert bench.count("group_iterations_missed_total") == 2
    assert bench.count("group_iterations_total") == 2 + len(times)


async def test_slots_that_a_clock_passes_over_when_it_is_set_ahead_were_not_missed(bench: Bench) -> None:
    async with bench.running(group_of("{record: r, expr: x}")):
        await bench.clock.advance(INTERVAL_SECONDS)
        bench.clock.set_ahead(86_400)
        await bench.clock.advance(3 * INTERVAL_SECONDS)
    assert len(bench.asked) in {4, 5}  # one more at once: the slot in which the clock is now
    assert bench.count("group_iterations_missed_total") == 0


async def test_a_clock_that_was_set_back_does_not_silence_a_group(bench: Bench) -> None:
    def set_back() -> Result:
        bench.clock.pass_by(-3600 if len(bench.asked) == 1 else 0)
        return Scalar(0, 1.0)

    bench.answers["x"] = set_back
    async with bench.running(group_of("{record: r, expr: x}")):
        await bench.clock.advance(INTERVAL_SECONDS)
    assert len(bench.asked) >= 3600 // INTERVAL_SECONDS - 1


@pytest.mark.parametrize(
    "error", [QueryError("execution", "bad"), RuntimeError("bug"), Panic("bug"), asyncio.CancelledError("bug")]
)
async def test_a_rule_that_fails_keeps_its_alerts_sends_nothing_and_harms_no_other(
    bench: Bench, error: BaseException
) -> None:
    bench.answers["up == 0"] = vector("a")
    async with bench.running(group_of(ALERT, "{record: r, expr: x}")):
        await bench.clock.advance(INTERVAL_SECONDS)
        active = dict(bench.record("A").active)
        sent, given = len(bench.receiver.alerts), len(bench.head.batches)
        bench.answers["up == 0"] = failing(error)
        await bench.clock.advance(9 * INTERVAL_SECONDS)
        assert bench.record("A").active == active
        assert (bench.record("A").health, bench.record("r").health) == (RuleHealth.ERR, RuleHealth.OK)
        assert "bad" in bench.record("A").last_error or "bug" in bench.record("A").last_error
        assert len(bench.receiver.alerts) == sent == 1
        assert len(bench.head.batches) == given + 9
        bench.answers["up == 0"] = vector("a")
        await bench.clock.advance(INTERVAL_SECONDS)
    assert (bench.record("A").health, bench.record("A").last_error) == (RuleHealth.OK, "")
    assert bench.count("evaluation_failures_total") == 9
    assert bench.count("evaluations_total") == 22
    assert [type(event) for event in bench.events.seen] == [RuleFailed]


async def test_too_many_alerts_are_an_error_and_all_are_forgotten(bench: Bench) -> None:
    bench.answers["up == 0"] = vector("a")
    async with bench.running(f"groups: [{{name: g, limit: 1, rules: [{ALERT}]}}]"):
        await bench.clock.advance(INTERVAL_SECONDS)
        bench.answers["up == 0"] = vector("a", "b")
        await bench.clock.advance(INTERVAL_SECONDS)
    assert (bench.record("A").active, bench.record("A").health) == ({}, RuleHealth.ERR)


async def test_an_alert_is_sent_when_it_fires_and_when_it_is_resolved(bench: Bench) -> None:
    bench.answers["up == 0"] = vector("a")
    async with bench.running(group_of("{alert: A, expr: up == 0, for: 20s}")):
        await bench.clock.advance(2 * INTERVAL_SECONDS)
        assert bench.receiver.alerts == []
        await bench.clock.advance(INTERVAL_SECONDS)
        (fired,) = bench.receiver.alerts
        bench.answers["up == 0"] = vector()
        await bench.clock.advance(INTERVAL_SECONDS)
    resolved = bench.receiver.alerts[-1]
    assert fired.ends_at_ms > fired.starts_at_ms
    assert (resolved.starts_at_ms, resolved.ends_at_ms) == (
        fired.starts_at_ms,
        fired.starts_at_ms + INTERVAL_SECONDS * 1000,
    )


async def test_a_reload_keeps_the_state_of_rules_that_stay_and_ends_the_series_of_those_that_go(bench: Bench) -> None:
    bench.answers["up == 0"] = vector("a")
    async with bench.running(group_of(ALERT, "{record: gone, expr: x}")):
        await bench.clock.advance(INTERVAL_SECONDS)
        active = bench.record("A").active
        gone = bench.record("gone").source
    assert bench.head.ended == []
    async with bench.running(group_of("{record: new, expr: x}", ALERT)):
        await settle()
        assert bench.record("A").active == active
        assert bench.head.ended == [gone]
    async with bench.running(group_of("{record: other, expr: x}", name="h")):
        await settle()
    assert len(bench.head.ended) == 3
    assert bench.count("group_rules") is None
    assert bench.count("group_rules", "f;h") == 1


async def test_without_any_group_the_component_runs_and_does_nothing(bench: Bench) -> None:
    async with bench.running("groups: []"):
        await bench.clock.advance(3600)
    assert bench.asked == []


async def test_an_alert_over_the_head_becomes_series_that_end_when_it_is_resolved(bench: Bench) -> None:
    head = Head(HeadConfig())
    gauge = Family("redis_up", MetricType.GAUGE, "")
    groups = load_rules([("f", group_of("{alert: Down, expr: redis_up == 0, for: 10s}"))], INTERVAL_SECONDS * 1000)
    queries = Queries(head, bench.clock, PromqlConfig(), 60)
    surroundings = Surroundings(bench.clock, bench.events, bench.meter, head, queries, (bench.receiver,))
    states = []

    def alerts() -> list[str]:
        (rules,) = load_rules([("q", group_of("{record: q, expr: ALERTS}"))], 1000)
        result = evaluate_instant(rules.rules[0].expr, head, int(bench.clock.now() * 1000))
        assert isinstance(result, Vector)
        return [dict(sample.labels)["alertstate"] for sample in result.samples]

    async with open_tier(bench.clock, bench.events) as tier:
        await tier.start(RuleEvaluation(groups, bench.store, Evaluator(Templates(), Sending()), surroundings))
        for up in (1.0, 0.0, 0.0, 1.0, 1.0):
            families = [FamilySamples(gauge, [Sample("redis_up", EMPTY, up)])]
            head.accept(SampleBatch("redis/main", int(bench.clock.now() * 1000), labels_of({"job": "r"}), families))
            await bench.clock.advance(INTERVAL_SECONDS)
            states.append(alerts())
    assert states == [[], [AlertState.PENDING], [AlertState.FIRING], [], []]
    assert [dict(alert.labels) for alert in bench.receiver.alerts] == [{"alertname": "Down", "job": "r"}] * 2


async def test_each_evaluation_of_a_group_is_a_span_and_a_rule_that_fails_marks_it(bench: Bench) -> None:
    bench.answers["bad"] = failing(QueryError("execution", "no way"))
    async with bench.running(group_of("{record: r, expr: vector(1)}", "{record: s, expr: bad}")):
        await bench.clock.advance(INTERVAL_SECONDS)
        bench.answers["bad"] = vector("a")
        await bench.clock.advance(INTERVAL_SECONDS)
    facts: dict[str, Value] = {"sidecar.rule_group": "f;g", "sidecar.rules": 2}
    assert bench.tracing.spans == [
        RecordedSpan(
            "evaluate rule group",
            SpanKind.INTERNAL,
            {**facts, "sidecar.samples": 1, "sidecar.rules.failed": 1},
            ("rule_failed", "rule `s`: no way"),
            ended=True,
        ),
        RecordedSpan(
            "evaluate rule group",
            SpanKind.INTERNAL,
            {**facts, "sidecar.samples": 2, "sidecar.rules.failed": 0},
            ended=True,
        ),
    ]
