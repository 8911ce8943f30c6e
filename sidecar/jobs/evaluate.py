"""Evaluating rule groups on time: recorded series and alerts to the head, notifications to the receivers."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import ClassVar, Protocol, cast

from sidecar.jobs.rule_meters import RuleMeters
from sidecar.model.alert import Alert
from sidecar.model.errors import QueryError
from sidecar.model.family import FamilySamples
from sidecar.model.labels import EMPTY
from sidecar.model.sample import SampleBatch, Sink
from sidecar.model.span import SpanKind
from sidecar.model.steps import Steps
from sidecar.promql.ast import Expr
from sidecar.promql.result import Result
from sidecar.rules.evaluation import Asking, Evaluation, Evaluator, LimitExceededError, Question
from sidecar.rules.group import AlertingRule, RuleGroup
from sidecar.rules.record import GroupRecord, RuleHealth, RuleRecord
from sidecar.rules.state import ActiveAlerts, moved
from sidecar.rules.store import RuleStore
from sidecar.runtime.clock import Clock
from sidecar.runtime.ending import tells_to_end
from sidecar.runtime.events import Event, Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import NO_TRACING, Span, Tracing, Value
from sidecar.runtime.turns import in_turns
from sidecar.runtime.unending import unending

UNINTERRUPTED_SECONDS = 0.005
"""How long the evaluation of one rule goes on before others may run; probes are answered in this time."""


class RecordedSeries(Sink[SampleBatch], Protocol):
    """Where recorded series and ALERTS go: the head."""

    def end(self, source: str, time_ms: int, /) -> None:
        """Mark every series of `source` stale."""
        ...


class Answering(Protocol):
    """Answers queries; one that takes long does not keep others from running."""

    async def instant(self, expr: Expr, time_ms: int, /) -> Result:
        """Return the value of `expr` at a Unix time in milliseconds; raise QueryError if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class RuleFailed(Event):
    """A rule that worked before, or was never evaluated, failed."""

    level: ClassVar[int] = logging.WARNING
    message: ClassVar[str] = "Rule `{rule}` of group `{group}` failed: {error}."
    identity: ClassVar[tuple[str, ...]] = ("group", "rule")
    group: str
    rule: str
    error: str


class Page(Protocol):
    """Where what rules give is to be seen: /metrics."""

    def put_in_steps(self, source: str, families: Iterable[FamilySamples], /) -> Iterator[None]:
        """Show `families` from now on as what `source` has, step by step."""
        ...

    def remove(self, source: str, /) -> None:
        """Show nothing of `source` any more."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the evaluation of rules works with and on.

    Without a `page` nothing is shown, nor unless it `exposes`. `settle_seconds` is how long all that is collected takes
    to be there after a start.
    """

    clock: Clock
    events: Events
    meter: Meter
    series: RecordedSeries
    queries: Answering
    receivers: Sequence[Sink[Sequence[Alert]]] = field(default=())
    tracing: Tracing = NO_TRACING
    page: Page | None = None
    exposes: bool = True
    settle_seconds: float = 0.0


class RuleEvaluation:
    """Evaluates `groups` until cancelled, each in a loop of its own; a Component.

    A group's rules are evaluated in order and each one's samples are there before the next is evaluated. A rule that
    fails keeps its state and harms no other. What is known of rules lies in `store`, which outlives this component: on
    start it adopts the groups, and the series of rules that are no more end.
    """

    name = "rules"

    def __init__(
        self, groups: Sequence[RuleGroup], store: RuleStore, evaluator: Evaluator, surroundings: Surroundings
    ) -> None:
        self._groups = groups
        self._store = store
        self._evaluator = evaluator
        self._clock = surroundings.clock
        self._events = surroundings.events
        self._series = surroundings.series
        self._queries = surroundings.queries
        self._receivers = surroundings.receivers
        self._tracing = surroundings.tracing
        self._page = surroundings.page
        self._exposes = surroundings.exposes
        self._settle_ms = round(surroundings.settle_seconds * 1000)
        self._memory = store.memory
        self._meters = RuleMeters.on(surroundings.meter)

    async def run(self, ready: Callable[[], None]) -> None:
        """Evaluate until cancelled."""
        self._adopt()
        async with asyncio.TaskGroup() as loops:
            for record in self._store.groups:
                loops.create_task(unending(partial(self._loop, record)), name=f"rules {record.group.key}")
            ready()
            await asyncio.Event().wait()  # no group at all is no reason to end

    def _adopt(self) -> None:
        before = {record.group.key for record in self._store.groups}
        for source in self._store.adopt(self._groups):
            self._series.end(source, self._now_ms())
        for record in self._store.groups:
            self._meters.open(record.group)
            for rule in record.rules:
                self._memory.take_back(rule, record.group, self._settle_ms, self._now_ms())
        self._memory.forget_found()
        for key in before - {record.group.key for record in self._store.groups}:
            self._meters.close(key)
        self._hide(before)

    async def _loop(self, record: GroupRecord) -> None:
        """Evaluate a group at its slots; the first is the next one, and one that is over is left out."""
        group = record.group
        slot_ms = group.slot(self._now_ms()) + group.interval_ms
        while True:
            await self._clock.sleep(max(0.0, slot_ms / 1000 - self._clock.now()))
            if abs(self._now_ms() - slot_ms) > group.interval_ms:  # the clock was set meanwhile, or the machine slept
                slot_ms = group.slot(self._now_ms())
            began = self._clock.monotonic()
            await self._evaluate_group(record, slot_ms)
            current_ms = group.slot(self._now_ms())
            over = max(0, (current_ms - slot_ms) // group.interval_ms - 1)
            # Those that a clock that was set ahead passes over were never due.
            missed = min(over, round((self._clock.monotonic() - began) * 1000) // group.interval_ms)
            self._meters.missed.labels(group.key).inc(missed)
            self._meters.iterations.labels(group.key).inc(missed)
            following_ms = slot_ms + (over + 1) * group.interval_ms
            # A clock that was set back would otherwise silence the group for as long. Two intervals, because a sleep
            # may end a moment early and `current_ms` is then the slot before.
            slot_ms = min(following_ms, current_ms + 2 * group.interval_ms)

    async def _evaluate_group(self, record: GroupRecord, slot_ms: int) -> None:
        began = self._clock.monotonic()
        samples = 0
        facts: dict[str, Value] = {"sidecar.rule_group": record.group.key, "sidecar.rules": len(record.rules)}
        with self._tracing.span("evaluate rule group", SpanKind.INTERNAL, facts) as span:
            for rule in record.rules:
                samples += await self._evaluate_rule(record.group, rule, slot_ms)
                await self._clock.sleep(0)  # so that probes are answered between any two rules
            _conclude(span, record, samples)
        await in_turns(self._shown(record), self._clock)
        record.evaluated_at_ms = slot_ms
        record.duration_seconds = self._clock.monotonic() - began
        self._meters.iterations.labels(record.group.key).inc()
        self._meters.duration.observe(record.duration_seconds)
        self._meters.last_duration.labels(record.group.key).set(record.duration_seconds)
        self._meters.last_evaluation.labels(record.group.key).set(slot_ms / 1000)
        self._meters.last_samples.labels(record.group.key).set(samples)

    async def _evaluate_rule(self, group: RuleGroup, record: RuleRecord, slot_ms: int) -> int:
        """Evaluate one rule, whatever happens; return how many samples it gave."""
        began = self._clock.monotonic()
        self._meters.evaluations.labels(group.key).inc()
        samples = 0
        try:
            samples = await self._apply(group, record, slot_ms)
            record.health, record.last_error = RuleHealth.OK, ""
        except LimitExceededError as error:
            self._remember(group, record, {}, slot_ms)
            self._failed(group, record, str(error))
        except QueryError as error:
            self._failed(group, record, str(error))
        except BaseException as error:
            if tells_to_end(error):
                raise
            self._failed(group, record, f"{type(error).__name__}: {error}")
        record.evaluated_at_ms = slot_ms
        record.duration_seconds = self._clock.monotonic() - began
        return samples

    async def _apply(self, group: RuleGroup, record: RuleRecord, slot_ms: int) -> int:
        self._memory.take_back(record, group, self._settle_ms, slot_ms)
        moved_ms = self._store.moved_ms
        evaluation = await self._evaluation(group, record, slot_ms)
        moved_ms = self._store.moved_ms - moved_ms  # as all that it began with did meanwhile
        self._remember(group, record, moved(evaluation.active, moved_ms), slot_ms + moved_ms)
        record.families = evaluation.families
        time_ms = slot_ms - group.query_offset_ms + moved_ms
        self._series.accept(SampleBatch(record.source, time_ms, EMPTY, evaluation.families))
        if evaluation.notifications:
            for receiver in self._receivers:
                receiver.accept(evaluation.notifications)
        return sum(len(family.samples) for family in evaluation.families)

    async def _evaluation(self, group: RuleGroup, record: RuleRecord, slot_ms: int) -> Evaluation:
        if isinstance(record.rule, AlertingRule):
            return await self._finished(self._evaluator.alert(record.rule, group, record.active, slot_ms))
        return await self._finished(self._evaluator.record(record.rule, group, slot_ms))

    async def _finished(self, steps: Asking[Evaluation]) -> Evaluation:
        """Take all steps and answer what they ask; others run whenever they have taken UNINTERRUPTED_SECONDS."""
        began = self._clock.monotonic()
        advance = partial(next, steps)
        while True:
            try:
                question = advance()
            except StopIteration as end:
                return cast("Evaluation", end.value)
            advance = partial(next, steps) if question is None else await self._answered(steps, question)
            if self._clock.monotonic() - began >= UNINTERRUPTED_SECONDS:
                await self._clock.sleep(0)
                began = self._clock.monotonic()

    async def _answered(self, steps: Asking[Evaluation], question: Question) -> "partial[Question | None]":
        """Return the next step."""
        try:
            return partial(steps.send, await self._queries.instant(question.expr, question.time_ms))
        except QueryError as error:
            return partial(steps.throw, error)

    def _failed(self, group: RuleGroup, record: RuleRecord, error: str) -> None:
        self._meters.failures.labels(group.key).inc()
        if record.health is not RuleHealth.ERR:
            self._events.emit(RuleFailed(group.key, record.rule.name, error))
        record.health, record.last_error = RuleHealth.ERR, error
        record.families = ()

    def _remember(self, group: RuleGroup, record: RuleRecord, active: ActiveAlerts, slot_ms: int) -> None:
        self._memory.note(record, active, slot_ms)
        self._store.history.note(record, group.key, active, slot_ms)
        record.active = active

    def _hide(self, before: Iterable[str]) -> None:
        """Show nothing of groups that are no more, of none if that is no longer wanted."""
        shown = {record.group.key for record in self._store.groups} if self._exposes else ()
        for key in before:
            if self._page is not None and key not in shown:
                self._page.remove(_page_of(key))

    def _shown(self, record: GroupRecord) -> Steps[None]:
        if self._page is not None and self._exposes:
            families = chain.from_iterable(rule.families for rule in record.rules)
            yield from self._page.put_in_steps(_page_of(record.group.key), families)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _page_of(group: str) -> str:
    """Return what /metrics knows the series of a group by."""
    return f"rules/{group}"


def _conclude(span: Span, record: GroupRecord, samples: int) -> None:
    """Say in `span` how the evaluation of a group ended; one rule that failed marks the whole."""
    failed = [rule for rule in record.rules if rule.health is RuleHealth.ERR]
    span.note({"sidecar.samples": samples, "sidecar.rules.failed": len(failed)})
    if failed:
        span.fail("rule_failed", f"rule `{failed[0].rule.name}`: {failed[0].last_error}")
