"""Spans and log records with times that are not set, or cannot be."""

from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.derive.origin import Origin
from sidecar.model.steps import finished
from sidecar.spans.insights import Insights
from sidecar.spans.traces.tree import jaeger_tree
from tests.unit.spans.conftest import SECOND, attributes
from tests.unit.spans.pipelines import CALLS, DURATION, pipeline, shown
from tests.unit.spans.traces.building import START, Fed, span, trace_id

NOW = START + 1000.0
YEAR = 365 * 86_400 * SECOND
AT = START * SECOND
WRONG = {
    "no start": (0, AT),
    "no start and an early end": (0, SECOND // 5),
    "no end": (AT, 0),
    "neither": (0, 0),
    "an end before the start": (AT + SECOND, AT),
    "an end years ahead": (AT, AT + 3 * YEAR),
    "an end in 2554": (AT, 2**64 - 1),
    "a start in 1970": (12 * SECOND, AT),
    "a start in 2000": (946_684_800 * SECOND, AT),
    "a start in 2554": (2**64 - 1, AT),
}
wrong = pytest.mark.parametrize(("start", "end"), WRONG.values(), ids=WRONG.keys())


@wrong
def test_such_a_span_counts_takes_no_time_and_is_not_slow(
    span_of: Any, batch_of: Any, values_of: Any, start: int, end: int
) -> None:
    insights = Insights()
    subject = pipeline(insights)
    query = {"db.system.name": "postgresql", "db.query.text": "SELECT 1", "server.address": "db"}
    spans = [span_of(attributes={"http.request.method": "GET"}), span_of("SELECT", "CLIENT", attributes=query)]
    for each in spans:
        each.start_time_unix_nano, each.end_time_unix_nano = start, end
    subject.accept(batch_of(*spans, now=NOW))
    families = shown(subject, NOW)
    assert sum(values_of(families, CALLS, "span_name").values()) == 2
    assert set(values_of(families, f"{DURATION}_sum", "span_name").values()) == {0.0}
    assert set(values_of(families, "sidecar_endpoint_latency_seconds", "quantile").values()) == {0.0}
    assert set(values_of(families, "sidecar_endpoint_slow_ratio").values()) == {0.0}
    assert sum(values_of(families, "sidecar_slow_queries_total", "severity").values()) == 0


@wrong
def test_such_a_trace_took_no_time_and_hides_no_slow_one(start: int, end: int) -> None:
    fed = Fed(sample_ratio=0, slowest_per_endpoint=5)
    for number in range(5):
        broken = span(number + 1, 1)
        broken.start_time_unix_nano, broken.end_time_unix_nano = start, end
        fed.give(broken)
    fed.wait(6)
    fed.give(*[span(10 + number, 1, at=1000, seconds=9) for number in range(5)])
    fed.wait(6)
    assert sorted(fed.ids()) == [10, 11, 12, 13, 14]
    assert {summary.duration_seconds for summary in fed.summaries()} == {9.0}


@wrong
def test_a_trace_without_its_root_is_as_long_as_the_spans_that_say(start: int, end: int) -> None:
    fed = Fed(sample_ratio=1)
    broken, good = span(1, 1, parent=9), span(1, 2, parent=9, seconds=0.5)
    broken.start_time_unix_nano, broken.end_time_unix_nano = start, end
    fed.give(broken, good)
    fed.wait(31)
    (summary,) = fed.summaries()
    assert summary.duration_seconds in (0.5, 1.0)  # a second where the broken one says a start so much later
    assert summary.started_at == START


@wrong
def test_it_is_shown_within_its_trace(start: int, end: int) -> None:
    fed = Fed(sample_ratio=1)
    root, broken = span(1, 1, seconds=2), span(1, 2, parent=1)
    broken.start_time_unix_nano, broken.end_time_unix_nano = start, end
    broken.events.add(name="e")
    broken.events.add(name="f", time_unix_nano=2**64 - 1)
    fed.give(root, broken)
    fed.wait(6)
    tree = finished(jaeger_tree(trace_id(1), fed.full().groups, fed.now, START))
    nodes = {node["spanID"][-1]: node for node in tree["spans"]}
    assert (nodes["1"]["selfTime"], nodes["2"]["duration"]) == (2_000_000, 0)
    assert nodes["2"]["startTime"] in {AT // 1000, AT // 1000 + 1_000_000, 946_684_800_000_000}
    assert {log["timestamp"] for log in nodes["2"]["logs"]} == {nodes["2"]["startTime"]}


def test_where_no_span_says_a_start_all_are_shown_where_the_trace_is_said_to_begin() -> None:
    fed = Fed(sample_ratio=1)
    root, child = span(1, 1), span(1, 2, parent=1)
    root.start_time_unix_nano = child.start_time_unix_nano = 0
    fed.give(root, child)
    fed.wait(6)
    found = fed.full()
    tree = finished(jaeger_tree(trace_id(1), found.groups, fed.now, found.summary.started_at))
    assert {node["startTime"] for node in tree["spans"]} == {round(found.summary.started_at * 1e6)}


def test_a_root_without_a_start_does_not_name_the_trace_before_one_with() -> None:
    fed = Fed(sample_ratio=1)
    unset, first = span(1, 1, name="unset"), span(1, 2, name="first")
    unset.start_time_unix_nano = 0
    fed.give(unset, first)
    fed.wait(6)
    assert [summary.name for summary in fed.summaries()] == ["first"]


def test_an_error_happened_when_it_says_if_that_may_be(span_of: Any, batch_of: Any) -> None:
    for ended, expected in ((0, NOW), (2**64 - 1, NOW), (5, NOW), (AT + YEAR, NOW), (AT + 7 * SECOND, START + 7)):
        insights = Insights()
        failed = span_of(status=2, events=[("exception", {"exception.type": "E"})])
        failed.end_time_unix_nano = ended
        pipeline(insights).accept(batch_of(failed, now=NOW))
        (group,) = insights.errors.newest()
        assert group.examples[0].time == expected


def test_a_log_record_without_a_time_happened_when_it_was_observed() -> None:
    for time, observed, expected in (
        (0, AT, START),
        (AT, AT + SECOND, START),
        (5, AT, START),
        (2**64 - 1, AT, START),
        (0, 0, NOW),
        (0, AT + YEAR, NOW),
    ):
        insights = Insights()
        raw = [item.SerializeToString() for item in attributes({"exception.type": "E", "exception.message": "m"})]
        times = {"time_unix_nano": time, "observed_time_unix_nano": observed}
        record = SimpleNamespace(
            **times, severity_text=b"", severity_number=17, attributes=raw, trace_id=b"", span_id=b""
        )
        pipeline(insights).feed_logs(Origin("shop"), [record], NOW)
        (group,) = insights.errors.newest()
        assert group.examples[0].time == expected
