"""Alerts while the clock is set: `for` lasts as long as it says, nothing is missing, times are those of the wall."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from sidecar.jobs.evaluate import RuleEvaluation, Surroundings
from sidecar.model.alert import Alert
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.config import PromqlConfig
from sidecar.rules.evaluation import Evaluator, Sending
from sidecar.rules.load import load_rules
from sidecar.rules.store import RuleStore
from sidecar.rules.template import Templates
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.queries import Queries
from sidecar.runtime.watched_clock import WatchedClock
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, RecordedEvents
from tests.unit.jobs.test_evaluate import INTERVAL_SECONDS, FakeReceiver, group_of

DAY, MONTH = 86_400.0, 30 * 86_400.0
RULES = group_of(
    "{alert: Gone, expr: absent(redis_up)}",
    "{alert: Down, expr: redis_up == 0, for: 60s}",
    "{alert: Stands, expr: 'increase(redis_uptime[40s]) <= 0'}",
)
UP_AGAIN = 35
STEPS_AT = range(3, 30, 4)
"""Before which intervals the clock is set: while the alert is pending, and while it fires."""


class World:
    """Rules over the head, of which a target that is down tells, on a clock that is set."""

    def __init__(self) -> None:
        self.inner = FakeClock()
        self.clock = WatchedClock(self.inner)
        self.head, self.rules, self.receiver = Head(HeadConfig()), RuleStore(), FakeReceiver()
        for on_set in (self.head.move, self.rules.move):
            self.clock.tell(on_set)
        self.began = self.inner.elapsed()

    def scrape(self, up: float) -> None:
        values = {"redis_up": up, "redis_uptime": self.inner.elapsed()}
        families = [
            FamilySamples(Family(name, MetricType.GAUGE, ""), [Sample(name, EMPTY, value)])
            for name, value in values.items()
        ]
        self.head.accept(SampleBatch("redis/main", int(self.clock.now() * 1000), labels_of({"job": "r"}), families))

    def evaluation(self) -> RuleEvaluation:
        queries = Queries(self.head, self.clock, PromqlConfig(), 60)
        events, meter = RecordedEvents(self.inner), Meter(CollectorRegistry())
        around = Surroundings(self.clock, events, meter, self.head, queries, (self.receiver,))
        groups = load_rules([("f", RULES)], INTERVAL_SECONDS * 1000)
        return RuleEvaluation(groups, self.rules, Evaluator(Templates(), Sending()), around)


class Heard(NamedTuple):
    """What receivers were told in which interval, when the wall said so."""

    number: int
    now_ms: float
    alert: Alert

    @property
    def is_resolved(self) -> bool:
        return self.alert.ends_at_ms <= self.now_ms


@pytest.mark.parametrize("steps", [(DAY,), (-DAY,), (MONTH, -MONTH), (-MONTH, MONTH), (1.0, -1.0)])
async def test_alerts_are_those_of_a_clock_that_was_never_set(steps: tuple[float, ...]) -> None:
    world, heard = World(), list[Heard]()
    async with open_tier(world.inner, RecordedEvents(world.inner)) as tier:
        await tier.start(world.evaluation())
        for number in range(40):
            if number in STEPS_AT:
                world.inner.set_ahead(steps[STEPS_AT.index(number) % len(steps)])
            world.scrape(up=0.0 if number < UP_AGAIN else 1.0)
            told = len(world.receiver.alerts)
            await world.inner.advance(INTERVAL_SECONDS)
            now_ms = world.inner.now() * 1000
            heard += [Heard(number, now_ms, alert) for alert in world.receiver.alerts[told:]]
    assert {alert.labels["alertname"] for _, _, alert in heard} == {"Down"}
    assert 6 <= heard[0].number <= 7, "`for` took another time than it says"
    for one in heard:
        passed = (one.number - heard[0].number) * INTERVAL_SECONDS
        assert (one.now_ms - one.alert.starts_at_ms) / 1000 - passed == pytest.approx(0, abs=2 * INTERVAL_SECONDS)
        assert one.is_resolved == (one.number >= UP_AGAIN)
        assert abs(one.alert.ends_at_ms - one.now_ms) / 1000 < 300
    assert UP_AGAIN <= next(one.number for one in heard if one.is_resolved) <= UP_AGAIN + 1
    pauses = [later.number - one.number for one, later in pairwise(heard) if not later.is_resolved]
    assert all(5 <= pause <= 8 for pause in pauses), "it is told again after a minute"
