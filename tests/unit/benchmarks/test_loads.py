"""The load of the benchmark of OTLP: like the traffic of an app, valid, and never the same twice."""

import json
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from benchmarks.loads.body import Body
from benchmarks.loads.otlp import FEWEST_BODIES, loads
from benchmarks.loads.shop.traffic import FAILED_RATIO, HANDLED_RATIO, requests
from benchmarks.loads.spans import IS_REMOTE, SERVER, Request, Span

NOW = 1_790_000_000 * 10**9
TRACES = 1_000


def spans_of(request: Request) -> list[Span]:
    return [span for spans in request.scopes.values() for span in spans]


def read_json(text: bytes) -> ExportTraceServiceRequest:
    """Read OTLP's JSON, which differs from protobuf's in that ids are in hex."""

    def in_base64(value: dict[str, Any]) -> dict[str, Any]:
        ids = {key: value[key] for key in ("traceId", "spanId", "parentSpanId") if key in value}
        return value | {key: b64encode(bytes.fromhex(text)).decode() for key, text in ids.items()}

    return json_format.ParseDict(json.loads(text, object_hook=in_base64), ExportTraceServiceRequest())


def parsed(content: bytes) -> list[trace_pb2.Span]:
    request = ExportTraceServiceRequest.FromString(content)
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


@pytest.fixture(scope="module")
def long() -> list[Request]:
    """A thousand traces of 20 spans."""
    return list(requests(TRACES * 20 // 1000, 1000, 20))


@pytest.fixture(scope="module")
def short() -> list[Request]:
    """A thousand traces of 4 spans."""
    return list(requests(TRACES * 4 // 100, 100, 4))


def traces_of(sent: list[Request]) -> Iterator[list[Span]]:
    for request in sent:
        traces = defaultdict(list)
        for span in spans_of(request):
            traces[span.trace_id].append(span)
        yield from traces.values()


def values(sent: list[Request], key: str) -> Counter[object]:
    return Counter(s.attributes[key] for request in sent for s in spans_of(request) if key in s.attributes)


def test_bodies_have_the_spans_that_were_asked_for_and_are_the_same_each_time() -> None:
    made = list(requests(5, 100, 20))
    assert [len(spans_of(request)) for request in made] == [100] * 5
    assert list(requests(5, 100, 20)) == made
    assert len({bytes(Body(request, is_json=False).version(1, NOW)) for request in made}) == 5


@pytest.mark.parametrize(("name", "spans"), [("long", 20), ("short", 4)])
def test_traces_are_as_long_as_asked_for_in_the_mean(name: str, spans: int, request: pytest.FixtureRequest) -> None:
    lengths = [len(trace) for trace in traces_of(request.getfixturevalue(name))]
    assert sum(lengths) / len(lengths) == pytest.approx(spans, rel=0.1)
    assert max(lengths) == spans + spans // 2
    assert len(set(lengths)) > spans // 2


def test_a_trace_is_whole_has_one_root_and_every_parent_lasts_as_long_as_its_children(long: list[Request]) -> None:
    for trace in traces_of(long):
        by_id = {span.span_id: span for span in trace}
        assert len(by_id) == len(trace)
        roots = [span for span in trace if span.parent_id not in by_id]
        assert len(roots) == 1
        assert bool(roots[0].parent_id) == bool(roots[0].flags & IS_REMOTE)
        for span in trace:
            assert span.start_nano <= span.end_nano
            if span is not roots[0]:
                assert by_id[span.parent_id].start_nano <= span.start_nano
                assert span.end_nano <= by_id[span.parent_id].end_nano


def test_the_spans_of_a_scope_come_in_the_order_in_which_they_ended(long: list[Request]) -> None:
    for request in long:
        for spans in request.scopes.values():
            ends = [span.end_nano for span in spans]
            assert ends == sorted(ends)


def test_attributes_have_as_many_values_as_those_of_an_app(long: list[Request]) -> None:
    def count(key: str) -> int:
        return len(values(long, key))

    assert 50 <= len({span.name for request in long for span in spans_of(request) if span.kind == SERVER}) <= 100
    assert count("messaging.destination.name") == 7
    assert count("user_agent.original") >= 50
    assert 10 <= count("server.address") <= 40
    assert count("client.address") > 300
    assert count("url.path") > 300
    assert count("enduser.id") > 500
    assert len({request.resource["service.instance.id"] for request in long}) == 8


def test_statements_are_dozens_and_some_have_their_values_in_them(long: list[Request]) -> None:
    texts = values(long, "db.query.text")
    assert sum(1 for text in texts if "= $1" in str(text)) >= 36
    with_values = {text for text in texts if "count(*)" in str(text)}
    share = sum(texts[text] for text in with_values) / sum(texts.values())
    assert len(with_values) > 200
    assert 0.02 < share < 0.2
    assert values(long, "db.query.parameter.0")


def test_statements_are_repeated_in_some_requests(long: list[Request]) -> None:
    repeated = sum(
        1
        for trace in traces_of(long)
        if max(Counter(span.name for span in trace if "db.collection.name" in span.attributes).values(), default=0) >= 8
    )
    assert 0.01 < repeated / TRACES < 0.3


def test_errors_are_of_many_kinds_with_their_stacks_and_seldom(long: list[Request], short: list[Request]) -> None:
    traces = [*traces_of(long), *traces_of(short)]
    failing = [trace for trace in traces if any(span.failed_with for span in trace)]
    assert len(failing) / len(traces) == pytest.approx(FAILED_RATIO + HANDLED_RATIO, rel=0.5)
    events = [event.attributes for trace in failing for span in trace for event in span.events]
    assert len({event["exception.type"] for event in events}) >= 8
    assert {str(event["exception.stacktrace"]).count("\n") > 10 for event in events} == {True, False}
    for trace in failing:
        for span in trace:
            assert (span.failed_with is not None) == bool(span.events)


def test_an_exception_that_nothing_catches_is_told_by_all_spans_on_its_way_to_the_root(long: list[Request]) -> None:
    ways = []
    for trace in traces_of(long):
        told = [span.events[0].attributes["exception.message"] for span in trace if span.events]
        if any(span.attributes.get("error.type") for span in trace):
            ways.append(len(told))
            assert len(set(told)) == 1
    assert ways
    assert min(ways) >= 2


@pytest.mark.parametrize("made", [(1000, 20), (100, 4)])
def test_a_body_is_what_the_encoder_of_the_sdk_writes(made: tuple[int, int]) -> None:
    for request in requests(3, *made):
        content = Body(request, is_json=False).version(7, NOW)
        assert ExportTraceServiceRequest.FromString(content).SerializeToString() == content


def test_json_says_what_protobuf_says() -> None:
    for request in requests(10, 100, 20):
        text = Body(request, is_json=True).version(3, NOW)
        assert read_json(text) == ExportTraceServiceRequest.FromString(Body(request, is_json=False).version(3, NOW))


def test_no_two_versions_share_an_id_and_all_are_otherwise_the_same() -> None:
    body = Body(next(requests(1, 100, 4)), is_json=False)
    first, second = (parsed(body.version(number, NOW + number)) for number in (1, 2))
    for ids in ("trace_id", "span_id"):
        assert not {getattr(span, ids) for span in first} & {getattr(span, ids) for span in second}
    for one, other in zip(first, second, strict=True):
        assert (
            one.end_time_unix_nano - one.start_time_unix_nano == other.end_time_unix_nano - other.start_time_unix_nano
        )
        assert bool(one.parent_span_id) == bool(other.parent_span_id)
        assert one.attributes == other.attributes
    own = [{span.span_id: number for number, span in enumerate(spans)} for spans in (first, second)]
    parents = [
        [ids.get(span.parent_span_id) for span in spans] for ids, spans in zip(own, (first, second), strict=True)
    ]
    assert parents[0] == parents[1]


@pytest.mark.parametrize("is_json", [False, True])
def test_the_last_span_of_a_version_has_just_ended_and_its_events_are_within(is_json: bool) -> None:
    request = next(request for request in requests(20, 1000, 20) if any(span.events for span in spans_of(request)))
    body = Body(request, is_json)
    content = body.version(5, NOW)
    assert len(content) == len(body)
    if is_json:
        content = read_json(content).SerializeToString()
    spans = parsed(content)
    assert max(span.end_time_unix_nano for span in spans) == NOW
    for span in spans:
        for event in span.events:
            assert span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano


def test_the_loads_are_told_apart_and_only_protobuf_is_sent_on() -> None:
    all_loads = list(loads())
    assert len({load.name for load in all_loads}) == len(all_loads)
    assert {load.way for load in all_loads if load.is_forwarded} == {"protobuf"}
    assert {(load.spans, load.spans_per_trace) for load in all_loads} == {(1000, 20), (100, 20), (1000, 4), (100, 4)}
    assert FEWEST_BODIES >= 200
