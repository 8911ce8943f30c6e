"""Spans while the clock is set: what waits is judged in time, what is counted stays, times are those of the wall."""

from typing import Any

import pytest

from sidecar.app.registry import SPAN_STAGES
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.runtime.watched_clock import WatchedClock
from sidecar.spans.config import SpansConfig
from sidecar.spans.insights import Insights
from sidecar.spans.stages import pipeline_of
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.search import TraceQuery, search
from sidecar.spans.traces.store import TraceStore
from tests.fakes import FakeClock
from tests.unit.spans.pipelines import CALLS, shown

DAY, MONTH = 86_400.0, 30 * 86_400.0
ERROR = [("exception", {"exception.type": "Broken", "exception.message": "no"})]


class World:
    """A pipeline with traces and insights, by a clock that is set."""

    def __init__(self, batch_of: Any, span_of: Any) -> None:
        self.inner = FakeClock()
        clock = WatchedClock(self.inner)
        self.steady = clock.steady
        redactor = Redactor(RedactConfig())
        self.traces = TraceStore(TracesConfig(), redactor, self.steady.wall)
        self.insights = Insights(None, redactor, self.traces.link_error_group, wall=self.steady.wall)
        self.pipeline = pipeline_of(SpansConfig(expire_after_seconds=3600), self.insights, SPAN_STAGES, (self.traces,))
        self._batch_of, self._span_of, self._number = batch_of, span_of, 0

    def fail(self) -> None:
        """Receive a request that failed now, in a trace of its own."""
        self._number += 1
        ids = {"trace_id": self._number.to_bytes(16, "big"), "span_id": self._number.to_bytes(8, "big")}
        span = self._span_of("op", status=2, events=ERROR, **ids)
        span.start_time_unix_nano = round(self.inner.now() * 1e9) - 10**8
        span.end_time_unix_nano = round(self.inner.now() * 1e9)
        self.pipeline.accept(self._batch_of(span, now=self.steady.now()))

    def wait(self, seconds: float) -> None:
        self.inner.pass_by(seconds)
        finished(self.insights.catch_up(self.steady.now()))
        finished(self.traces.advance(self.steady.now()))


@pytest.fixture
def world(batch_of: Any, span_of: Any) -> World:
    return World(batch_of, span_of)


@pytest.mark.parametrize("step", [DAY, -DAY, MONTH, -MONTH])
def test_a_step_delays_no_judgement_ends_no_series_and_shows_in_no_time(
    world: World, values_of: Any, step: float
) -> None:
    world.fail()
    world.wait(1)
    world.inner.set_ahead(step)
    world.fail()
    world.wait(10)
    (group,) = world.insights.errors.newest()
    assert group.count == 2
    assert values_of(shown(world.pipeline, world.steady.now()), CALLS, "span_name") == {("op",): 2}
    assert group.last_seen == pytest.approx(world.inner.now(), abs=20)
    world.wait(60)
    now = world.inner.now()
    page = finished(search(world.traces, TraceQuery(), 10, world.steady.now()))
    assert len(page.traces) == 2, "a trace waits for the time that was"
    assert page.traces[0].started_at == pytest.approx(now, abs=120)
    assert page.traces[0].duration_seconds == pytest.approx(0.1)


@pytest.mark.parametrize("step", [MONTH, -MONTH])
def test_a_series_that_is_not_seen_any_more_expires_in_its_time(world: World, values_of: Any, step: float) -> None:
    world.fail()
    world.inner.set_ahead(step)
    world.wait(3500)
    assert values_of(shown(world.pipeline, world.steady.now()), CALLS, "span_name")
    world.wait(200)
    assert not values_of(shown(world.pipeline, world.steady.now()), CALLS, "span_name")
