"""No step is long, whatever somebody sends: what is looked at in one is counted, and in the end nothing is missing."""

from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.spans.insights import Insights
from sidecar.spans.window import failures, statements
from sidecar.spans.window.due import DueSpans
from sidecar.spans.window.rows import WORK_OF_FAILURE
from sidecar.spans.window.window import MOST_SPANS, STEP
from tests.unit.spans.pipelines import judged, pipeline

TRACE = b"t" * 16
MOST_FAILED = MOST_SPANS // WORK_OF_FAILURE


class Steps:
    """Judge that notes how many spans each step has, and how many of these failed."""

    def __init__(self, insights: Insights) -> None:
        self.spans: list[int] = []
        self.failed: list[int] = []
        insights._windows[-1].tell(self)  # type: ignore[attr-defined] # all that waits in tests is a window

    def judge(self, due: DueSpans, now: float) -> None:
        self.spans.append(len(due.rows))
        self.failed.append(int(due.rows.fails.sum()))


def ids(number: int, parent: int = 0) -> dict[str, bytes]:
    above = {"parent_span_id": b"span%04d" % parent} if parent else {}
    return {"trace_id": TRACE, "span_id": b"span%04d" % number, **above}


@pytest.mark.parametrize("is_chain", [True, False])
def test_failed_spans_of_one_trace_are_judged_in_steps_and_each_counts(
    is_chain: bool, span_of: Any, batch_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    met, above_of = [0], failures._Above.of

    def counted(above: failures._Above, place: int) -> Iterator[int]:
        for outer in above_of(above, place):
            met[0] += 1
            yield outer

    monkeypatch.setattr(failures._Above, "of", counted)
    insights = Insights()
    subject, steps = pipeline(insights), Steps(insights)
    spans = [span_of("GET /a", "SERVER", **ids(1))]
    for number in range(2, 602):
        error = {"exception.type": f"Error{number}", "exception.message": f"{number} is wrong"}
        more = ids(number, number - 1 if is_chain else 1)
        spans.append(span_of("work", "INTERNAL", status=2, events=[("exception", error)], **more))
    subject.accept(batch_of(*spans))
    judged(insights)
    assert max(steps.failed) <= MOST_FAILED
    assert (sum(steps.spans), sum(steps.failed)) == (601, 600)
    assert met[0] <= 15 * 600
    assert sum(group.count for group in insights.errors.newest()) >= 65


def test_spans_that_wait_for_nobody_are_judged_in_steps(span_of: Any, batch_of: Any) -> None:
    insights = Insights()
    subject, steps = pipeline(insights), Steps(insights)
    error = {"exception.type": "Error", "exception.message": "wrong"}
    spans = [span_of("work", "INTERNAL", status=2, events=[("exception", error)]) for _ in range(200)]
    subject.accept(batch_of(*spans))
    assert sum(steps.failed) < 200
    judged(insights)
    assert max(steps.failed) <= STEP // WORK_OF_FAILURE
    assert [group.count for group in insights.errors.newest()] == [200]


def test_of_calls_that_two_instrumentations_tell_beside_each_other_few_are_looked_at_in_a_step(
    span_of: Any, batch_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at, outer = [0], statements._outer

    def counted(beside: list[Any]) -> Iterator[int]:
        looked_at[0] += len(beside)
        return outer(beside)

    monkeypatch.setattr(statements, "_outer", counted)
    insights = Insights()
    subject, steps = pipeline(insights), Steps(insights)
    query = {"db.system.name": "postgresql", "db.query.text": "SELECT a FROM t"}
    for first in range(2, 4002, 1000):
        for scope, seconds in (("orm", 0.2), ("driver", 0.1)):
            numbers = range(first, first + 1000, 2) if scope == "orm" else range(first + 1, first + 1000, 2)
            calls = [span_of("q", "CLIENT", seconds, attributes=query, **ids(number, 1)) for number in numbers]
            subject.accept(batch_of(*calls, scope=scope))
    subject.accept(batch_of(span_of("GET /a", "SERVER", **ids(1))))
    (found,) = judged(insights).queries.statistics.all()
    assert looked_at[0] == statements._MOST_BESIDE
    assert sum(steps.spans) == 4001
    assert 2000 < found.calls < 4000
