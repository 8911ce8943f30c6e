"""Calls, times, errors and slow calls of each query."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.queries.config import QueriesConfig
from sidecar.spans.queries.statistics import RELATIVE_ERROR, QueryFacts, QueryStatistics
from tests.unit.spans.pipelines import judged, pipeline, shown

SLOW, EVICTED = "sidecar_slow_queries_total", "sidecar_queries_evicted_total"


def insights(**settings: Any) -> Insights:
    return Insights(InsightSettings(queries=QueriesConfig(**settings)))


def facts(subject: Insights) -> dict[str, QueryFacts]:
    return {found.query.statement: found for found in judged(subject).queries.statistics.all()}


def test_calls_that_differ_in_values_are_one_query(query_of: Any, batch_of: Any) -> None:
    subject = insights()
    stage = pipeline(subject)
    spans = [query_of(f"SELECT a FROM t WHERE id = {number}", seconds=number / 100) for number in range(1, 5)]
    stage.accept(batch_of(*spans, query_of("SELECT 1 FROM u", status=2, seconds=0.2), now=1000.0))
    stage.accept(batch_of(spans[0], service="other", now=1001.0))
    found = [item for item in judged(subject, 1070.0).queries.statistics.all() if item.query.service == "shop"]
    first, second = sorted(found, key=lambda item: -item.calls)
    assert (first.query.statement, first.calls, first.errors) == ("SELECT a FROM t WHERE id = ?", 4, 0)
    assert first.seconds == pytest.approx(0.1)
    assert first.longest_seconds == pytest.approx(0.04)
    assert (first.first_seen, first.last_seen) == (1070.0, 1070.0)
    assert (second.calls, second.errors, second.slow) == (1, 1, {"slow": 1, "warning": 0, "critical": 0})
    assert len({item.query.fingerprint for item in judged(subject).queries.statistics.all()}) == 3


def test_a_query_is_first_seen_when_its_own_first_call_is_counted() -> None:
    subject = QueryStatistics(QueriesConfig())
    known, waiting = (subject.query_of("shop", "postgresql", statement) for statement in ("SELECT a", "SELECT b"))
    for query, now in ((known, 10.0), (waiting, 70.0), (waiting, 80.0)):
        subject.add([query, query], np.array([0.2, 0.1]), np.zeros(2, np.bool_), None, now)
    seen = {found.query.statement: (found.first_seen, found.shortest_seconds) for found in subject.all()}
    assert seen == {"SELECT a": (10.0, 0.1), "SELECT b": (70.0, 0.1)}


@pytest.mark.parametrize(
    ("milliseconds", "severity"),
    [(100, None), (101, "slow"), (499, "slow"), (500, "warning"), (2000, "warning"), (2001, "critical")],
)
def test_slow_calls_are_counted_by_how_slow_they_are(
    milliseconds: int, severity: str | None, query_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(insights())
    subject.accept(batch_of(query_of(seconds=milliseconds / 1000)))
    expected = {("shop", severity): 1} if severity else {}
    assert values_of(shown(subject, 1070.0), SLOW, "service", "severity") == expected


def test_sampled_calls_stand_for_as_many_as_their_span(query_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = insights()
    stage = pipeline(subject)
    stage.accept(batch_of(query_of(seconds=1.0, trace_state="ot=th:c"), query_of(seconds=1.0)))
    (found,) = judged(subject).queries.statistics.all()
    assert (found.calls, found.seconds, found.slow["warning"]) == (5, 5, 5)
    assert values_of(shown(stage, 1100.0), SLOW, "severity") == {("warning",): 5}


def test_the_histogram_of_a_query_has_all_its_calls(query_of: Any, batch_of: Any) -> None:
    subject = insights()
    pipeline(subject).accept(batch_of(*[query_of(seconds=seconds) for seconds in (0.001, 0.1, 0.1, 5)]))
    (found,) = judged(subject).queries.statistics.all()
    histogram = list(found.histogram)
    assert [count for _, count in histogram] == [1, 2, 1]
    for (bound, _), seconds in zip(histogram, (0.001, 0.1, 5), strict=True):
        assert seconds <= bound < seconds * 1.1
    again = subject.queries.statistics.get(found.query.fingerprint)
    assert again is not None
    assert again.query is found.query
    assert subject.queries.statistics.get("none") is None


@given(st.lists(st.floats(2e-6, 200), min_size=1, max_size=200))
def test_quantiles_are_those_of_the_calls(seconds: list[float]) -> None:
    subject = QueryStatistics(QueriesConfig())
    query = subject.query_of("shop", "postgresql", "SELECT ?")
    values = np.array(seconds)
    subject.add([query] * len(values), values, np.zeros(len(values), np.bool_), None, 1.0)
    (found,) = subject.all()
    for ratio, value in found.quantiles.items():
        expected = np.quantile(values, ratio, method="inverted_cdf")
        assert value == pytest.approx(expected, rel=RELATIVE_ERROR + 1e-9)


def test_queries_not_seen_for_the_longest_time_make_room(query_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = insights(max_queries=10)
    stage = pipeline(subject)
    for number in range(25):
        spans = [query_of(f"SELECT a{number} FROM t"), query_of("SELECT often FROM t")]
        stage.accept(batch_of(*spans, now=1000.0 + 100 * number))
        judged(subject, 1090.0 + 100 * number)
    found = facts(subject)
    assert len(found) <= 10
    assert found["SELECT often FROM t"].calls == 25
    assert found["SELECT a24 FROM t"].calls == 1
    assert "SELECT a0 FROM t" not in found
    assert values_of(shown(stage, 4000.0), EVICTED) == {(): 26 - len(found)}
    stage.accept(batch_of(query_of("SELECT a0 FROM t"), now=4100.0))
    assert facts(subject)["SELECT a0 FROM t"].calls == 1


def test_more_queries_in_a_batch_than_are_kept_are_taken(query_of: Any, batch_of: Any) -> None:
    subject = insights(max_queries=3)
    for _ in range(2):
        pipeline(subject).accept(batch_of(*[query_of(f"SELECT a{number} FROM t") for number in range(50)]))
    assert len(facts(subject)) <= 3


def test_another_pipeline_goes_on_with_the_same_statistics(query_of: Any, batch_of: Any) -> None:
    subject = insights()
    for settings in ({}, {"max_samples": 5000}):
        pipeline(subject, **settings).accept(batch_of(query_of()))
    (found,) = judged(subject).queries.statistics.all()
    assert found.calls == 2


def test_requests_are_told_for_which_a_query_was_asked(query_of: Any, root_of: Any, batch_of: Any) -> None:
    subject = insights()
    stage = pipeline(subject)
    for number in range(30):
        ids = {"trace_id": b"%016d" % number}
        stage.accept(batch_of(query_of(**ids), query_of(**ids), root_of(f"/{number % 25}", **ids)))
    shown(stage, 1100.0)
    (found,) = judged(subject).queries.statistics.all()
    assert found.query.routes["GET /0"] == 4
    assert found.query.routes["(other)"] == 10
    assert sum(found.query.routes.values()) == 60


def test_severities_rise() -> None:
    with pytest.raises(ValidationError, match="must rise"):
        QueriesConfig(slow_seconds=1, warning_seconds=0.5)
