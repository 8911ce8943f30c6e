"""The trace that a finding cites is kept as long as the finding cites it, and no longer."""

from typing import Any

import pytest

from sidecar.app.registry import SPAN_STAGES
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.queries.config import NPlusOneConfig, QueriesConfig
from sidecar.spans.queries.findings import Finding
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.counts import Reason
from sidecar.spans.traces.store import TraceStore
from tests.unit.spans.queries.conftest import trace_id


class World:
    """A pipeline with a trace store that keeps nothing of itself, wired as the app does it."""

    def __init__(self, max_findings: int = 500, **traces: Any) -> None:
        redactor = Redactor(RedactConfig())
        self.traces = TraceStore(TracesConfig(sample_ratio=0, slowest_per_endpoint=0, **traces), redactor)
        settings = InsightSettings(queries=QueriesConfig(n_plus_one=NPlusOneConfig(max_findings=max_findings)))
        self.insights = Insights(settings, redactor, self.traces.link_error_group, evidence=self.traces)
        self.traces.consult(lambda now: self.insights.look(now))
        self.pipeline = pipeline_of(SpansConfig(), self.insights, SPAN_STAGES, (self.traces,))

    @property
    def findings(self) -> list[Finding]:
        return [*self.insights.queries.findings.newest()]

    @property
    def kept(self) -> set[bytes]:
        return set(self.traces.kept.traces)

    def advance(self, now: float) -> None:
        finished(self.traces.advance(now))


@pytest.fixture
def request_of(query_of: Any, root_of: Any, batch_of: Any) -> Any:
    def build(number: int, now: float, route: str = "/orders", service: str = "shop") -> Any:
        ids = {"trace_id": trace_id(number)}
        calls = [query_of(at=0.02 * place, number=place + 1, **ids) for place in range(6)]
        return batch_of(*calls, root_of(route, **ids), now=now, service=service)

    return build


def test_the_trace_of_a_finding_is_kept_though_nothing_else_keeps_it(request_of: Any) -> None:
    world = World()
    world.pipeline.accept(request_of(1, 1000.0))
    world.advance(1005.0)
    (found,) = world.findings
    assert found.trace_id == trace_id(1).hex()
    assert world.kept == {trace_id(1)}
    assert world.traces.counts.kept[Reason.CITED] == 1


def test_a_request_without_a_finding_is_not_kept(query_of: Any, root_of: Any, batch_of: Any) -> None:
    world = World()
    world.pipeline.accept(batch_of(query_of(number=1), root_of()))
    world.advance(1005.0)
    assert world.kept == set()


def test_of_many_requests_one_a_minute_is_kept_and_the_one_before_goes(request_of: Any) -> None:
    world = World()
    for number in range(200):
        world.pipeline.accept(request_of(number, 1000.0 + number))
    world.advance(1206.0)
    (found,) = world.findings
    assert found.traces == 200
    assert len(world.kept) == 1
    assert {found.trace_id} == {kept.hex() for kept in world.kept}
    assert world.traces.counts.kept[Reason.CITED] == 4


def test_with_its_finding_a_trace_goes(request_of: Any) -> None:
    world = World(max_findings=2)
    for number in range(5):
        world.pipeline.accept(request_of(number, 1000.0 + number, f"/{number}"))
    world.advance(1020.0)
    assert world.kept == {trace_id(3), trace_id(4)}


def test_a_failed_trace_stays_when_it_is_no_longer_cited(query_of: Any, root_of: Any, batch_of: Any) -> None:
    world = World()
    ids = {"trace_id": trace_id(1)}
    calls = [query_of(at=0.02 * place, number=place + 1, **ids) for place in range(6)]
    world.pipeline.accept(batch_of(*calls, root_of(status=2, **ids)))
    world.advance(1005.0)
    assert world.traces.kept.traces[trace_id(1)].reason is Reason.CITED
    world.traces.release(trace_id(1))
    assert world.traces.kept.traces[trace_id(1)].reason is Reason.ERROR


def test_cited_traces_are_within_the_limits_of_all(request_of: Any) -> None:
    world = World(max_traces=3)
    for number in range(10):
        world.pipeline.accept(request_of(number, 1000.0 + number, f"/{number}"))
    world.advance(1020.0)
    assert len(world.kept) == 3
    assert len(world.findings) == 10


def test_a_trace_that_was_decided_on_before_is_not_cited(request_of: Any) -> None:
    world = World(decide_after_seconds=0.1)
    world.pipeline.accept(request_of(1, 1000.0))
    world.advance(1001.0)
    world.advance(1006.0)
    (found,) = world.findings
    assert (found.trace_id, found.cited_at) == (trace_id(1).hex(), None)
