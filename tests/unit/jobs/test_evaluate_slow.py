"""A rule that is over a limit is a rule that fails: it holds neither the event loop nor other groups."""

import asyncio
import gc
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from sidecar.jobs.evaluate import RuleEvaluation, Surroundings
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.config import PromqlConfig
from sidecar.rules.evaluation import Evaluator, Sending
from sidecar.rules.load import load_rules
from sidecar.rules.record import RuleHealth, RuleRecord
from sidecar.rules.store import RuleStore
from sidecar.rules.template import Templates
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.queries import Queries
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import RecordedEvents

SERIES = 20_000
FILES = [
    (
        "rules.yml",
        """
groups:
- name: slow
  interval: 100ms
  rules:
  - {record: s, expr: "double_exponential_smoothing(x[1d:20ms], 0.5, 0.5)"}
  - {record: l, expr: "double_exponential_smoothing(vector(1)[1d:20ms], 0.5, 0.5)"}
- {name: large, interval: 100ms, rules: [{record: q, expr: "sum by (route) (rate(x[5m]))"}]}
- {name: small, interval: 100ms, rules: [{record: r, expr: "vector(1)"}]}
""",
    )
]


def full_head() -> Head:
    head = Head(HeadConfig())
    now_ms = int(time.time() * 1000)
    labels = [labels_of({"i": str(n), "route": f"/{n % 50}"}) for n in range(SERIES)]
    for column in range(10):
        samples = [Sample("x", row, float(column)) for row in labels]
        families = [FamilySamples(Family("x", MetricType.COUNTER, ""), samples)]
        head.accept(SampleBatch("app", now_ms - 100_000 + column * 10_000, (), families))
    return head


@pytest.fixture
def collected() -> Iterator[None]:
    """Leave what other tests made out of the garbage collector's rounds, which stop every thread."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.alone("measures how long the loop stands still")
@pytest.mark.usefixtures("collected")
async def test_a_rule_over_a_limit_fails_alone_while_the_loop_and_other_groups_go_on() -> None:
    head, clock, store, registry = full_head(), SystemClock(), RuleStore(), CollectorRegistry()
    events = RecordedEvents()
    queries = Queries(head, clock, PromqlConfig(timeout_seconds=0.5), 60)
    surroundings = Surroundings(clock, events, Meter(registry), head, queries)
    groups = load_rules(FILES, 60_000)
    blocks = []

    def rule(name: str) -> RuleRecord:
        return next(record for record in store.rules if record.rule.name == name)

    def iterations(name: str) -> float:
        labels = {"rule_group": f"rules.yml;{name}"}
        total = registry.get_sample_value("prometheus_rule_group_iterations_total", labels)
        missed = registry.get_sample_value("prometheus_rule_group_iterations_missed_total", labels)
        assert total is not None
        assert missed is not None
        return total - missed

    async with open_tier(clock, events) as tier:
        await tier.start(RuleEvaluation(groups, store, Evaluator(Templates(), Sending()), surroundings))
        began = time.monotonic()
        while iterations("slow") < 2 and time.monotonic() - began < 10:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            blocks.append(time.monotonic() - before - 0.001)
        assert (rule("s").health, rule("l").health) == (RuleHealth.ERR, RuleHealth.ERR)
        assert "too many samples" in rule("s").last_error or "timed out" in rule("s").last_error
        assert rule("l").last_error == "query timed out in expression evaluation"
        assert (rule("q").health, rule("r").health) == (RuleHealth.OK, RuleHealth.OK)
        assert iterations("small") >= 5
        assert iterations("large") >= 5
    assert sorted(blocks)[len(blocks) * 95 // 100] < 0.05
