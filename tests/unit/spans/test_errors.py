"""Errors of spans and log records, counted once and brought to their groups."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sidecar.derive.limits import Budget
from sidecar.derive.origin import Origin
from sidecar.spans.config import SpansConfig
from sidecar.spans.error_groups.group import ErrorGroup, State
from sidecar.spans.errors import STACK_CHARACTERS, ErrorCounts
from sidecar.spans.insights import Insights
from sidecar.spans.queries.config import NPlusOneConfig
from sidecar.spans.queries.finder import DatabaseCalls
from sidecar.spans.window.columns import Rows
from sidecar.spans.window.window import Window
from tests.unit.spans.conftest import SECOND, attributes
from tests.unit.spans.pipelines import ERRORS, judged, pipeline, shown

UNGROUPED = "sidecar_errors_ungrouped_total"
STACK = 'Traceback (most recent call last):\n  File "/a/shop/x.py", line 3, in {}\n    f()\nKeyError: {}\n'
NOW = 1.7e9
TRACE, SPAN = b"t" * 16, b"s" * 8
ORIGIN = Origin("shop", "python", "2")


def exception(message: str = "'a'", function: str = "f", kind: str = "KeyError", **more: str) -> dict[str, str]:
    stack = STACK.format(function, message)
    return {"exception.type": kind, "exception.message": message, "exception.stacktrace": stack, **more}


def record(values: Mapping[str, Any], severity: int = 17, trace: bytes = b"", span: bytes = b"", time: int = 0) -> Any:
    raw = [attribute.SerializeToString() for attribute in attributes(values)]
    times = {"time_unix_nano": time, "observed_time_unix_nano": 0}
    return SimpleNamespace(
        **times, severity_text=b"", severity_number=severity, attributes=raw, trace_id=trace, span_id=span
    )


@pytest.fixture
def insights() -> Insights:
    return Insights()


@pytest.fixture
def counts(insights: Insights) -> ErrorCounts:
    window = Window(NPlusOneConfig)
    insights.await_of(window)
    return ErrorCounts(SpansConfig(), Budget(20_000), insights.errors, window)


def groups(insights: Insights) -> list[ErrorGroup]:
    return [*judged(insights).errors.newest()]


def test_an_exception_of_a_failed_span_comes_to_its_group(span_of: Any, batch_of: Any, insights: Insights) -> None:
    subject = pipeline(insights)
    for number in range(3):
        span = span_of(
            status=2, trace_id=b"%016d" % number, span_id=b"%08d" % number, events=[("exception", exception())]
        )
        subject.accept(batch_of(span, now=1.7e9 + 60 * number, version=f"v{number}", language="python"))
    (group,) = groups(insights)
    assert (group.service, group.type, group.count, group.frames) == ("shop", "KeyError", 3, ["shop/x.py f"])
    assert [*group.releases] == ["v0", "v1", "v2"]
    assert group.examples[0].trace_id == (b"%016d" % 0).hex()


def test_an_exception_that_passes_several_spans_of_a_trace_is_one(
    span_of: Any, batch_of: Any, values_of: Any, insights: Insights
) -> None:
    subject = pipeline(insights)
    spans = [
        span_of(
            kind=kind,
            status=2,
            trace_id=TRACE,
            span_id=b"%08d" % number,
            parent_span_id=b"%08d" % (number + 1),
            events=[("exception", exception())],
        )
        for number, kind in enumerate(("INTERNAL", "CLIENT", "SERVER"))
    ]
    for span in spans:
        subject.accept(batch_of(span))
    assert [group.count for group in groups(insights)] == [1]
    assert values_of(shown(subject, 1010.0), ERRORS, "type") == {("KeyError",): 1}


@pytest.mark.parametrize("log_first", [False, True])
def test_an_exception_that_comes_as_an_event_and_as_a_log_record_is_one(
    log_first: bool, span_of: Any, batch_of: Any, insights: Insights, counts: ErrorCounts, values_of: Any
) -> None:
    event = exception(kind="shop.errors.KeyError")
    batch = batch_of(span_of(status=2, trace_id=TRACE, span_id=SPAN, events=[("exception", event)]))
    log = record(exception(message="KeyError: 'a'"), trace=TRACE, span=SPAN)
    feed: list[Any] = [
        lambda: pipeline_feed(counts, batch),
        lambda: counts.feed_logs(ORIGIN, [log], 1000.0),
    ]
    for step in reversed(feed) if log_first else feed:
        step()
    assert [group.count for group in groups(insights)] == [1]
    assert sum(values_of([*counts.samples(1000.0)], ERRORS, "type").values()) == 1


def pipeline_feed(counts: ErrorCounts, batch: Any) -> None:
    """Give a batch to the stage as a pipeline does, and let it be judged."""
    for spans in pipeline()._observer.observe(batch):
        counts._window.add(*Rows().of(spans, DatabaseCalls(np.empty(0, np.int64), [])), batch.received_at)
    counts._window.tick(batch.received_at + 10)


def test_the_same_message_on_an_outer_span_as_a_log_record_is_one(
    span_of: Any, batch_of: Any, insights: Insights, counts: ErrorCounts
) -> None:
    pipeline_feed(
        counts, batch_of(span_of(status=2, trace_id=TRACE, span_id=SPAN, events=[("exception", exception())]))
    )
    counts.feed_logs(ORIGIN, [record(exception(), trace=TRACE, span=b"outer___")], 1000.0)
    assert [group.count for group in groups(insights)] == [1]


def test_two_exceptions_of_one_span_are_two(span_of: Any, batch_of: Any, insights: Insights) -> None:
    events = [("exception", exception(message=message)) for message in ("'a'", "'b'")]
    pipeline(insights).accept(batch_of(span_of(status=2, trace_id=TRACE, span_id=SPAN, events=events)))
    assert [group.count for group in groups(insights)] == [2]


def test_log_records_without_a_trace_count_each(insights: Insights, counts: ErrorCounts) -> None:
    counts.feed_logs(ORIGIN, [record(exception())] * 3, 1000.0)
    (group,) = groups(insights)
    assert (group.count, group.examples[0].trace_id) == (3, "")
    assert [*group.releases] == ["2"]


def test_only_log_records_of_errors_count(insights: Insights, counts: ErrorCounts) -> None:
    records = [record(exception(function=f"f{number}"), severity=number) for number in (0, 9, 13, 16, 17, 21)]
    counts.feed_logs(ORIGIN, [*records, record({"code": "x"}), record({})], 1000.0)
    assert {frame for group in groups(insights) for frame in group.frames} == {
        "shop/x.py f0",
        "shop/x.py f17",
        "shop/x.py f21",
    }


def test_a_log_record_with_a_message_only_is_an_exception_too(insights: Insights, counts: ErrorCounts) -> None:
    counts.feed_logs(ORIGIN, [record({"exception.message": "late"})], 1000.0)
    assert [(group.type, group.message) for group in groups(insights)] == [("(unknown)", "late")]


def test_failures_without_an_exception_are_told_apart_by_their_span(
    span_of: Any, batch_of: Any, insights: Insights
) -> None:
    spans = [
        span_of(name, status=2, message="upstream 10.0.0.1 is away", trace_id=b"%016d" % number, span_id=SPAN)
        for number, name in enumerate(("GET /a", "GET /a", "GET /b"))
    ]
    pipeline(insights).accept(batch_of(*spans))
    found = {(group.type, group.message, group.count) for group in groups(insights)}
    assert found == {
        ("(unknown)", "upstream 10.0.0.1 is away", 2),
        ("(unknown)", "upstream 10.0.0.1 is away", 1),
    }


@pytest.mark.parametrize("on_span", [False, True])
def test_an_app_may_say_itself_what_belongs_together(
    on_span: bool, span_of: Any, batch_of: Any, insights: Insights
) -> None:
    own = {"error.fingerprint": "checkout"}
    for number, function in enumerate("fg"):
        event = exception(function=function, message=function, **({} if on_span else own))
        more = {"attributes": own} if on_span else {}
        span = span_of(status=2, trace_id=b"%016d" % number, span_id=SPAN, events=[("exception", event)], **more)
        pipeline(insights).accept(batch_of(span))
    assert [group.count for group in groups(insights)] == [2]


def test_a_resolved_group_that_comes_back_is_regressed(span_of: Any, batch_of: Any, insights: Insights) -> None:
    subject = pipeline(insights)

    def fail(trace: bytes, now: float, ended: float) -> State:
        span = span_of(status=2, trace_id=trace, span_id=SPAN, events=[("exception", exception())])
        span.end_time_unix_nano = round(ended * SECOND)
        subject.accept(batch_of(span, now=now, language="python"))
        (group,) = judged(insights, now + 5).errors.newest()
        return insights.errors.state_of(group, now)

    assert fail(b"1" * 16, NOW, NOW - 1) is State.NEW
    assert insights.errors.resolve(groups(insights)[0].id, NOW + 10)
    assert fail(b"2" * 16, NOW + 15, NOW + 9) is State.RESOLVED
    assert fail(b"3" * 16, NOW + 20, NOW + 19) is State.REGRESSED


def test_a_sampled_error_stands_for_as_many_as_its_span(span_of: Any, batch_of: Any, insights: Insights) -> None:
    span = span_of(status=2, trace_id=TRACE, span_id=SPAN, trace_state="ot=th:8", events=[("exception", exception())])
    pipeline(insights).accept(batch_of(span))
    assert [group.count for group in groups(insights)] == [2]


def test_of_very_many_stack_traces_at_once_some_are_counted_only(
    span_of: Any, batch_of: Any, values_of: Any, insights: Insights
) -> None:
    def failed(number: int) -> Any:
        event = {**exception(str(number)), "exception.stacktrace": "x" * (STACK_CHARACTERS // 4)}
        return span_of(status=2, trace_id=b"%016d" % number, span_id=SPAN, events=[("exception", event)])

    subject = pipeline(insights)
    subject.accept(batch_of(*map(failed, range(10))))
    families = shown(subject, 1010.0)
    assert values_of(families, ERRORS, "type") == {("KeyError",): 10}
    assert values_of(families, UNGROUPED) == {(): 6}
    assert sum(group.count for group in groups(insights)) == 4


CANARIES = (
    "c4nary@example.com",
    "Bearer c4nary.c4nary-c4nary",
    "SELECT x FROM t WHERE a = 'c4nary' AND b IN ('c4nary', 'c4nary')",
    "postgresql://app:c4nary@db/shop",
    "password=c4nary",
    "DETAIL:  Key (email)=(c4nary) already exists.",
)


@pytest.mark.parametrize("text", CANARIES)
def test_secrets_are_in_no_group(
    text: str, span_of: Any, batch_of: Any, insights: Insights, counts: ErrorCounts, values_of: Any
) -> None:
    event = exception(message=text, function="f")
    span = span_of(status=2, trace_id=TRACE, span_id=SPAN, events=[("exception", event)])
    plain = span_of("GET /b", status=2, message=text, trace_id=b"u" * 16, span_id=SPAN)
    pipeline(insights).accept(batch_of(span, plain))
    counts.feed_logs(ORIGIN, [record(exception(message=text, function="g"))], 1000.0)
    assert len(groups(insights)) == 3
    assert "c4nary" not in repr(insights.errors.next_changes(1000))
