"""The trace store: what is kept, when that is decided, and what it never costs."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.model.steps import finished, slices
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.counts import Dropped
from sidecar.spans.traces.search import find
from sidecar.spans.traces.selection import is_sampled
from tests.unit.spans.traces.building import Fed, request, span, trace_id

DROPPED = "sidecar_traces_dropped_total"
KEPT = "sidecar_traces_kept_total"
NOT_STORED = "sidecar_spans_not_stored_total"
NOTHING_ELSE: dict[str, Any] = {"slowest_per_endpoint": 0, "sample_ratio": 0.0}


def test_a_failed_trace_is_kept_five_seconds_after_its_root_came() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 2, parent=1, failed=True), span(2, 2, parent=1))
    fed.wait(10)
    fed.give(span(1, 1), span(2, 1))
    fed.wait(4.9)
    assert fed.ids() == []
    fed.wait(0.1)
    assert fed.ids() == [1]
    assert fed.numbers() == [1, 2]
    assert fed.value(DROPPED, "not_selected") == 1
    assert fed.value(NOT_STORED, "trace_dropped") == 2


def test_a_trace_whose_root_never_comes_is_decided_on_after_thirty_seconds() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 2, parent=1, failed=True))
    fed.wait(29.9)
    assert fed.ids() == []
    fed.wait(0.1)
    (summary,) = fed.summaries()
    assert (summary.name, summary.route, summary.service) == ("", "(no root)", "shop")


def test_a_http_status_fails_a_trace_as_it_does_in_the_metrics() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, attributes={"http.request.method": "GET", "http.response.status_code": 500}))
    fed.give(span(2, attributes={"http.request.method": "GET", "http.response.status_code": 404}))
    fed.wait(5)
    assert [(summary.failed, summary.errors) for summary in fed.summaries()] == [(True, 1)]


@pytest.mark.parametrize(
    ("kind", "flags", "is_root"),
    [
        (Span.SPAN_KIND_INTERNAL, 0x1, False),
        (Span.SPAN_KIND_INTERNAL, 0x101, False),
        (Span.SPAN_KIND_INTERNAL, 0x301, True),
        (Span.SPAN_KIND_SERVER, 0x101, False),
        (Span.SPAN_KIND_SERVER, 0x0, True),
        (Span.SPAN_KIND_CLIENT, 0x0, False),
    ],
)
def test_a_span_whose_parent_is_elsewhere_is_a_local_root(kind: Span.SpanKind, flags: int, is_root: bool) -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 2, parent=1, failed=True, kind=kind, flags=flags))
    fed.wait(5)
    assert bool(fed.ids()) is is_root


def test_of_several_local_roots_the_first_request_gives_the_name() -> None:
    for order in permutations([span(1, 1, name="first"), span(1, 5, parent=1, at=1, name="second", flags=0x300)]):
        fed = Fed(sample_ratio=1.0)
        for each in order:
            fed.give(each)
        fed.wait(5)
        assert [summary.name for summary in fed.summaries()] == ["first"]


def test_the_slowest_of_each_endpoint_are_kept_and_give_way_to_slower_ones() -> None:
    fed = Fed(slowest_per_endpoint=2, sample_ratio=0.0)
    for number, seconds in enumerate([0.3, 0.1, 0.2, 0.15, 0.4], 1):
        fed.give(span(number, seconds=seconds))
        fed.give(span(number + 10, seconds=seconds / 100, name="POST /b"))
        fed.wait(5)
    assert sorted(fed.ids()) == [1, 5, 11, 15]
    assert fed.value(DROPPED, "outpaced") == 4
    assert {summary.reason for summary in fed.summaries()} == {"slow"}


def test_after_an_hour_a_slow_trace_gives_way_to_any() -> None:
    fed = Fed(slowest_per_endpoint=1, sample_ratio=0.0)
    fed.give(span(1, seconds=9))
    fed.wait(5)
    fed.give(span(2))
    fed.wait(5)
    assert fed.ids() == [1]
    fed.wait(3600)
    fed.give(span(3))
    fed.wait(5)
    assert fed.ids() == [3]


def test_an_outpaced_trace_stays_if_it_is_in_the_sample() -> None:
    fed = Fed(slowest_per_endpoint=1, sample_ratio=1.0)
    fed.give(span(1, seconds=1))
    fed.wait(5)
    fed.give(span(2, seconds=2))
    fed.wait(5)
    assert [(summary.trace_id[-1], summary.reason) for summary in fed.summaries()] == [("2", "slow"), ("1", "sample")]


@given(st.binary(min_size=16, max_size=16), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_has_all_of_a_smaller_one(identity: bytes, one: float, other: float) -> None:
    if is_sampled(identity, min(one, other)):
        assert is_sampled(identity, max(one, other))
    assert is_sampled(identity, 1.0)
    assert not is_sampled(identity, 0.0)


def test_a_sample_has_its_share_of_successive_ids() -> None:
    assert 900 < sum(is_sampled(trace_id(number), 0.1) for number in range(10_000)) < 1100


def test_when_everything_fails_an_endpoint_keeps_ten_traces_and_one_more_per_second() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(*[span(number, failed=True) for number in range(1, 51)])
    fed.give(span(99, failed=True, name="POST /rare"))
    fed.wait(5)
    assert fed.value(KEPT, "error") == 11
    assert 99 in fed.ids()
    assert fed.value(DROPPED, "rate_limited") == 40
    fed.give(*[span(number, failed=True) for number in range(101, 151)])
    fed.wait(5)
    assert fed.value(KEPT, "error") == 11 + 5


def test_late_spans_join_a_kept_trace_and_are_counted_for_a_dropped_one() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 1, failed=True), span(2, 1))
    fed.wait(5)
    fed.give(span(1, 2, parent=1), span(2, 2, parent=1), span(2, 3, parent=1))
    assert fed.numbers(1) == [1, 2]
    assert fed.ids() == [1]
    assert fed.value(NOT_STORED, "late") == 2


def test_a_root_that_comes_after_the_decision_names_its_trace() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 2, parent=1, failed=True))
    fed.wait(30)
    fed.give(span(1, 1, seconds=31, name="slow job"))
    (summary,) = fed.summaries(route="slow job")
    assert (summary.name, summary.duration_seconds, summary.spans) == ("slow job", 31, 2)


def spans_of_three_traces() -> list[Span]:
    """Return the spans of a failed, a slow and another trace, a service of its own for every third one."""
    tree = [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 5), (7, 1)]
    return [
        span(
            trace, number, parent, at=number / 10, seconds=trace, failed=trace == 1 and number == 6, name=f"op{number}"
        )
        for trace in (1, 2, 3)
        for number, parent in tree
    ]


@settings(max_examples=60, deadline=None)
@given(st.permutations(spans_of_three_traces()), st.data())
def test_what_is_kept_does_not_depend_on_order_and_batches(spans: list[Span], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(spans) - 1), max_size=8)))
    fed, expected = Fed(**SMALL), Fed(**SMALL)
    expected.give(*spans_of_three_traces())
    for start, end in zip([0, *cuts], [*cuts, len(spans)], strict=True):
        fed.give(*spans[start:end], as_json=data.draw(st.booleans()))
        fed.wait(data.draw(st.sampled_from([0.0, 0.1, 0.5])))
    fed.wait(10)
    expected.wait(10)
    assert sorted(fed.ids()) == sorted(expected.ids()) == [1, 3]
    for number in (1, 3):
        one, other = fed.full(number), expected.full(number)
        assert one.groups == other.groups
        assert one.summary._replace(key=0) == other.summary._replace(key=0)
    assert fed.counted + 7 * fed.store.counts.dropped[Dropped.OUTPACED] == len(spans)


SMALL: dict[str, Any] = {"slowest_per_endpoint": 1, "sample_ratio": 0.0}


def test_a_trace_that_lasts_longer_than_recent_spans_are_held_is_whole() -> None:
    fed = Fed(**NOTHING_ELSE)
    for second in range(25):
        fed.give(span(1, 2 + second, parent=1, failed=second == 0), span(100 + second, 1))
        fed.wait(1)
    fed.give(span(1, 1, seconds=25))
    fed.wait(5)
    assert fed.numbers() == [*range(1, 27)]


def test_a_root_that_comes_while_its_children_are_recent_waits_its_whole_time() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, 2, parent=1, failed=True))
    fed.wait(3)
    fed.give(span(1, 1))
    fed.wait(4)
    fed.give(span(1, 3, parent=1))
    assert fed.ids() == []
    fed.wait(1)
    assert fed.numbers() == [1, 2, 3]


def test_a_span_that_is_sent_again_is_shown_once() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(1, 1), span(1, 2, parent=1))
    fed.give(span(1, 1), span(1, 2, parent=1))
    fed.wait(5)
    fed.give(span(1, 1))
    assert fed.numbers() == [1, 2]


def test_spans_that_came_in_json_are_kept_alike() -> None:
    wire, in_json = Fed(sample_ratio=1.0), Fed(sample_ratio=1.0)
    for fed, as_json in ((wire, False), (in_json, True)):
        fed.give(span(1, 1, attributes={"a": 1}, events=[("e", {"b": "c"})]), as_json=as_json)
        fed.wait(5)
        fed.give(span(1, 2, parent=1), as_json=as_json)
    assert wire.full().groups == in_json.full().groups


@pytest.mark.parametrize("is_late", [False, True])
def test_long_names_and_resources_count_as_memory_whatever_form_the_spans_have(is_late: bool) -> None:
    fed = Fed(max_undecided_bytes=1 << 20, **NOTHING_ELSE)
    for number in range(1, 200):
        some = span(number, 1, parent=2, name="n" * 50_000) if number % 2 else span(number, 1, parent=2)
        body = request(some, resource={} if number % 2 else {"k": "x" * 50_000})
        fed.give_body(body, as_json=True)
        fed.wait(6 if is_late else 0)
        assert fed.value("sidecar_traces_bytes", "undecided") <= 1 << 20
    assert fed.value("sidecar_traces_decided_early_total") > 150 or is_late
    assert fed.value("sidecar_traces", "undecided") < 25
    fed.wait(60)
    assert fed.value("sidecar_traces_bytes", "undecided") == 0


def test_of_a_trace_with_50_000_spans_the_root_and_a_thousand_are_kept_and_the_rest_counted() -> None:
    fed = Fed(**NOTHING_ELSE)
    spans = [span(1, number, parent=1, failed=number == 2) for number in range(2, 50_001)]
    for some in slices([*spans, span(1, 1)], 5_000):
        fed.give(*some)
        fed.wait(0.1)
        assert fed.value("sidecar_traces_bytes", "undecided") < 17 << 20
    fed.wait(5)
    (summary,) = fed.summaries()
    assert (summary.spans, summary.missing, summary.name) == (1000, 49_000, "GET /a")
    assert 1 in fed.numbers()
    assert fed.value(NOT_STORED, "trace_limit") == 49_000
    assert fed.value("sidecar_traces_bytes", "kept") < 1 << 20


def test_the_bytes_of_a_trace_are_limited_too() -> None:
    fed = Fed(max_bytes_per_trace=10_000, sample_ratio=1.0)
    fed.give(*[span(1, number, parent=number - 1, attributes={"k": "x" * 3_000}) for number in range(1, 7)])
    fed.give(span(2, attributes={"k": "x" * 20_000}))
    fed.wait(5)
    (summary,) = fed.summaries()
    assert (summary.spans, summary.missing) == (3, 3)
    assert fed.value(DROPPED, "too_large") == 1
    assert fed.counted == 7


def test_very_many_traces_stay_within_the_memory_that_they_may_take() -> None:
    fed = Fed(max_undecided_bytes=1 << 20, max_bytes=1 << 20)
    for first in range(1, 20_000, 2_000):
        fed.give(*[span(n, 1, parent=n % 2, failed=n % 5 == 0, name=f"n{n}") for n in range(first, first + 2_000)])
        fed.now += 0.1
        assert fed.value("sidecar_traces_bytes", "undecided") <= 1 << 20
        assert fed.value("sidecar_traces_bytes", "kept") <= 1 << 20
    assert fed.counted + fed.store.counts.dropped[Dropped.EVICTED] >= 20_000
    assert fed.value("sidecar_traces_decided_early_total") > 18_000
    assert len(fed.store._selection._allowances) < 1500
    assert len(fed.store._endpoints._remembered) <= 2_000
    fed.wait(60)
    assert fed.value("sidecar_traces", "undecided") == 0
    assert fed.value("sidecar_traces_bytes", "undecided") == 0


def test_without_room_traces_with_a_root_are_decided_on_before_those_that_wait_for_it() -> None:
    fed = Fed(max_undecided_bytes=1 << 20, **NOTHING_ELSE)
    filler = {"k": "x" * 1_000}
    fed.give(span(1, 2, parent=1, failed=True))
    for number in range(10, 2_000):
        fed.give(span(number, attributes=filler))
    assert fed.value("sidecar_traces_decided_early_total") > 500
    fed.give(span(1, 1, seconds=4))
    fed.wait(5)
    assert fed.ids() == [1]
    assert fed.numbers() == [1, 2]


def test_samples_go_first_and_failed_traces_last_and_of_each_kind_those_of_the_loudest_endpoint() -> None:
    fed = Fed(slowest_per_endpoint=1, sample_ratio=1.0, max_traces=8)
    fed.give(span(1, failed=True, name="quiet"))
    for number in (2, 3):
        fed.give(span(number, failed=True, name="loud"))
    fed.give(span(4, seconds=9, name="quiet"), span(5, seconds=9, name="loud"))
    fed.give(span(6, seconds=1, name="quiet"), span(7, seconds=1, name="loud"), span(8, seconds=1, name="loud"))
    fed.wait(5)
    assert sorted(fed.ids()) == [1, 2, 3, 4, 5, 6, 7, 8]
    order = []
    for most in range(7, -1, -1):
        before = set(fed.ids())
        fed.store.configure(TracesConfig(max_traces=max(most, 1), slowest_per_endpoint=1, sample_ratio=1.0))
        order += sorted(before - set(fed.ids()))
    assert order == [7, 6, 8, 4, 5, 2, 1]
    assert fed.value(DROPPED, "evicted") == 7


def test_error_groups_are_those_that_were_linked_before_and_after_the_decision() -> None:
    fed = Fed(**NOTHING_ELSE)
    fed.give(span(1, failed=True))
    fed.store.link_error_group(trace_id(1), "g1")
    fed.wait(5)
    fed.store.link_error_group(trace_id(1), "g2")
    fed.store.link_error_group(trace_id(1), "g1")
    fed.store.link_error_group(trace_id(2), "g3")
    assert [summary.error_groups for summary in fed.summaries()] == [("g1", "g2")]
    assert fed.ids(error_group="g2") == [1]
    assert fed.ids(error_group="g3") == []


@pytest.mark.parametrize("identity", [b"", bytes(16), b"x", b"x" * 24])
def test_spans_without_a_trace_id_are_counted(identity: bytes) -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(span(trace_id=identity), span(2))
    fed.wait(5)
    assert fed.ids() == [2]
    assert fed.value(NOT_STORED, "no_trace_id") == 1


def test_a_span_with_nonsense_in_it_takes_no_other_with_it() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give_body(request(span(1, 1, name="Q!")).replace(b"Q!", b"\xff\xfe"))
    fed.give(span(1, 2, parent=2), span(1, 3, parent=1, seconds=-5, attributes={"k": "x" * 500_000}))
    odd = span(1, 4, parent=1)
    odd.span_id, odd.parent_span_id = b"", b"odd"
    fed.give(odd)
    fed.wait(5)
    (group,) = fed.full().groups
    assert [(span.span_id[-1:], span.name) for span in group.spans] == [
        (b"", "GET /a"),
        (b"\x01", "\ufffd\ufffd"),
        (b"\x02", "GET /a"),
        (b"\x03", "GET /a"),
    ]
    assert len(group.spans[-1].attributes["k"]) < 20_000


def test_what_is_redacted_is_in_nothing_that_is_stored_or_shown() -> None:
    def redact(key: str, value: Any) -> Any:
        return value.replace("canary", "***") if isinstance(value, str) else value

    fed = Fed(redact, sample_ratio=1.0)
    secret = {"k": "canary", "list": "canary"}
    one = span(1, name="GET canary", attributes=secret, events=[("canary", secret)], message="canary")
    one.trace_state = "a=canary"
    one.links.add(trace_id=trace_id(9), span_id=b"12345678", trace_state="canary").attributes.extend(one.attributes)
    one.attributes.add(key="nested").value.array_value.values.add().kvlist_value.values.add(
        key="x"
    ).value.string_value = "canary"
    fed.give_body(request(one, resource=secret))
    fed.wait(5)
    full = fed.full()
    assert "canary" not in repr((full, fed.summaries()))
    assert b"canary" not in finished(otlp_json(trace_id(1), full.groups))
    assert repr(full).count("***") >= 10


def test_a_root_has_the_route_that_it_says_also_where_others_of_its_name_say_another() -> None:
    fed = Fed(sample_ratio=1.0)
    for number, route in enumerate(("/a", "/b")):
        fed.give(span(number + 1, attributes={"http.request.method": "GET", "http.route": route}))
    fed.wait(5)
    assert sorted((summary.name, summary.route) for summary in fed.summaries()) == [("GET /a", "/a"), ("GET /a", "/b")]


def test_a_root_of_a_kind_that_is_not_counted_has_its_masked_name_or_the_method_that_it_calls() -> None:
    fed = Fed(lambda key, value: value.replace("canary", "***") if isinstance(value, str) else value, sample_ratio=1.0)
    call = {"rpc.system": "grpc", "rpc.service": "Stock", "rpc.method": "Take"}
    fed.give(span(1, name="job canary", kind=Span.SPAN_KIND_INTERNAL))
    fed.give(span(2, name="job canary", kind=Span.SPAN_KIND_INTERNAL, attributes=call))
    fed.wait(5)
    found = sorted((summary.service, summary.method, summary.route, summary.name) for summary in fed.summaries())
    assert found == [("shop", "", "Stock/Take", "job ***"), ("shop", "", "job ***", "job ***")]


def test_a_large_trace_is_read_in_many_small_steps() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(*[span(1, number, parent=number - 1) for number in range(1, 1001)])
    fed.wait(5)
    assert sum(1 for _ in find(fed.store, trace_id(1), fed.now)) >= 25


def test_other_limits_apply_to_what_is_there() -> None:
    fed = Fed(sample_ratio=1.0)
    fed.give(*[span(number) for number in range(1, 6)])
    fed.wait(5)
    fed.store.configure(TracesConfig(max_traces=2))
    assert len(fed.ids()) == 2
    assert fed.value("sidecar_traces", "kept") == 2


def test_every_count_is_there_from_zero() -> None:
    fed = Fed()
    samples = [sample for family in fed.store.samples(0.0) for sample in family.samples]
    assert len(samples) == 4 + 6 + 4 + 1 + 2 + 2
    assert {sample.value for sample in samples} == {0}


def test_failed_traces_of_one_moment_are_kept_within_the_rate_of_a_second_however_they_are_decided_on() -> None:
    fed = Fed(**NOTHING_ELSE, max_kept_per_endpoint_per_second=1000)
    fed.give(*[span(number, failed=True) for number in range(1, 103)])
    fed.wait(5)
    assert fed.value(KEPT, "error") == 102


def test_the_rate_is_that_at_which_traces_came_and_not_at_which_they_are_decided_on() -> None:
    fed = Fed(**NOTHING_ELSE)
    for second in range(30):
        fed.give(span(second + 1, failed=True))
        fed.now += 1
    fed.wait(5)
    assert fed.value(KEPT, "error") == 30
