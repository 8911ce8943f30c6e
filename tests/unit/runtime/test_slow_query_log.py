"""Slow queries in the log: which, how often, and what of them."""

import logging
from typing import Any

import pytest

from sidecar.model.span import SpanBatch
from sidecar.runtime.slow_query_log import LINES, WINDOW_SECONDS, SlowQuery, SlowQueryLog
from sidecar.spans.insights import Insights
from tests.fakes import FakeClock, RecordedEvents
from tests.unit.spans.conftest import batch_of, span_of
from tests.unit.spans.pipelines import judged, pipeline
from tests.unit.spans.queries.conftest import query_of

__all__ = ["batch_of", "query_of", "span_of"]


class Logged:
    """A pipeline whose slow queries are logged."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        log = SlowQueryLog(self.events, self.clock)
        self._insights = Insights(tell_slow=log.note)
        self._pipeline = pipeline(self._insights)

    def accept(self, batch: SpanBatch) -> None:
        """Take spans whose traces are complete."""
        self._pipeline.accept(batch)
        judged(self._insights)

    @property
    def lines(self) -> list[SlowQuery]:
        return [event for event in self.events.seen if isinstance(event, SlowQuery)]


@pytest.fixture
def subject() -> Logged:
    return Logged()


@pytest.mark.parametrize(
    ("seconds", "level"), [(1.0, None), (1.001, logging.WARNING), (5.0, logging.WARNING), (5.001, logging.ERROR)]
)
def test_queries_are_logged_by_how_long_they_took(
    subject: Logged, seconds: float, level: int | None, query_of: Any, batch_of: Any
) -> None:
    subject.accept(batch_of(query_of(seconds=seconds)))
    assert [line.level for line in subject.lines] == ([] if level is None else [level])


def test_a_line_tells_query_service_and_trace_and_no_value(
    subject: Logged, query_of: Any, batch_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    text = "SELECT * FROM users WHERE email = 'c4nary@example.com' AND pin = 4711"
    subject.accept(batch_of(query_of(text, seconds=1.26, trace_id=bytes(15) + b"\1")))
    (line,) = caplog.messages
    assert "of `shop` took 1.3 s" in line
    assert f"`{'0' * 31}1`" in line
    assert "`SELECT * FROM users WHERE email = ? AND pin = ?`" in line


def test_a_query_is_logged_once_a_minute_and_the_others_are_counted(
    subject: Logged, query_of: Any, batch_of: Any
) -> None:
    for _ in range(5):
        subject.accept(batch_of(query_of(seconds=2.0)))
    assert [line.not_logged for line in subject.lines] == [0]
    subject.accept(batch_of(query_of(seconds=6.0)))
    assert [line.level for line in subject.lines] == [logging.WARNING, logging.ERROR]
    subject.clock.pass_by(WINDOW_SECONDS)
    subject.accept(batch_of(query_of(seconds=2.0)))
    assert [line.not_logged for line in subject.lines] == [0, 0, 4]


def test_of_thousands_of_slow_queries_few_are_logged(subject: Logged, query_of: Any, batch_of: Any) -> None:
    for start in range(0, 3000, 500):
        texts = [f"SELECT a{number} FROM t" for number in range(start, start + 500)]
        subject.accept(batch_of(*[query_of(text, seconds=2.0) for text in texts]))
    assert len(subject.lines) == LINES
    subject.clock.pass_by(WINDOW_SECONDS)
    subject.accept(batch_of(query_of(seconds=2.0)))
    assert subject.lines[-1].not_logged == 3000 - LINES
