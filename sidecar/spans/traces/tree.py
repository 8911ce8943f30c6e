"""A trace as a tree, in the JSON that Jaeger's API and UI have for a trace, with depth and self time added."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from sidecar.codec.json_text import json_text
from sidecar.codec.otlp.span_detail import Attributes, Detail, DetailGroup, EventDetail, SpanDetail
from sidecar.codec.otlp.texts import plain
from sidecar.codec.peer.ids import NO_ID
from sidecar.codec.peer.times import is_plausible, took_nano
from sidecar.model.span import SpanKind, StatusCode
from sidecar.model.steps import Steps
from sidecar.spans.traces.read import failed, service_name

_STEP_SPANS = 50
_ORPHAN = "the parent span is not stored"
_CIRCLE = "the parent span is below this one"
_MOST_OF_BROWSERS = 2**53 - 1
"""Larger integers lose their last digits in JavaScript, so they are texts."""
_TYPES = {bool: "bool", int: "int64", float: "float64", bytes: "binary"}


class Timed(NamedTuple):
    """A span of a process; it began at `start_nano` and took `took_nano`, as far as what it says can be believed."""

    span: SpanDetail
    process: str
    start_nano: int
    took_nano: int


class Node(NamedTuple):
    """A span in its place: the roots have depth 0; `self_nano` is its time without that of its children."""

    timed: Timed
    depth: int
    self_nano: int
    warning: str


def jaeger_tree(trace_id: bytes, groups: Sequence[DetailGroup], now: float, started_at: float) -> Steps[dict[str, Any]]:
    """Return a trace as Jaeger's JSON object of one: every parent before its children, siblings by their start.

    Times are in microseconds, as there. Spans that do not say a start which may be, as of Unix time `now`, are shown at
    the start of the trace, which is `started_at` if none says one, and such events at that of their span. A span whose
    parent is not here is a root with a warning; so is one of each circle of spans.
    """
    processes: dict[str, dict[str, Any]] = {}
    shown: list[dict[str, Any]] = []
    for node in _in_order(_timed([*_with_process(groups, processes)], now, started_at)):
        shown.append(_span(trace_id.hex(), node, now))
        if len(shown) % _STEP_SPANS == 0:
            yield
    return {"traceID": trace_id.hex(), "spans": shown, "processes": processes}


def _timed(spans: Sequence[tuple[SpanDetail, str]], now: float, started_at: float) -> list[Timed]:
    starts = [span.start_time_unix_nano for span, _ in spans if is_plausible(span.start_time_unix_nano, now)]
    first = min(starts, default=round(started_at * 1e9))
    return [
        Timed(span, process, start if is_plausible(start, now) else first, took_nano(start, end, now))
        for span, process in spans
        for start, end in ((span.start_time_unix_nano, span.end_time_unix_nano),)
    ]


def _in_order(spans: Sequence[Timed]) -> Iterator[Node]:
    """Yield `spans` as a tree in depth-first order."""
    everything = sorted(spans, key=lambda timed: (timed.start_nano, timed.span.span_id))
    known = {timed.span.span_id for timed in everything} - {NO_ID}
    children: defaultdict[bytes, list[int]] = defaultdict(list)
    roots: list[int] = []
    for index, (span, *_) in enumerate(everything):
        is_child = span.parent_span_id in known and span.parent_span_id != span.span_id
        (children[span.parent_span_id] if is_child else roots).append(index)
    seen: set[int] = set()
    # those that no root leads to are in a circle, or below one: the first of them is taken as a root
    waiting = [(index, 0) for index in reversed([*roots, *range(len(everything))])]
    while waiting:
        index, depth = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        timed = everything[index]
        span = timed.span
        below = children.pop(span.span_id, [])
        covered = _covered_nano(timed, [everything[child] for child in below])
        warning = "" if depth or not span.parent_span_id else _CIRCLE if span.parent_span_id in known else _ORPHAN
        yield Node(timed, depth, timed.took_nano - covered, warning)
        waiting.extend((child, depth + 1) for child in reversed(below))


def _covered_nano(span: Timed, children: Iterable[Timed]) -> int:
    """Return for how long at least one of `children`, which are in the order of their start, ran within `span`."""
    covered, until = 0, span.start_nano
    for child in children:
        start = max(child.start_nano, until)
        end = min(child.start_nano + child.took_nano, span.start_nano + span.took_nano)
        if end > start:
            covered += end - start
            until = end
    return covered


def _with_process(
    groups: Iterable[DetailGroup], processes: dict[str, dict[str, Any]]
) -> Iterable[tuple[SpanDetail, str]]:
    """Yield the spans of `groups`, each with the name of its process; add these to `processes`."""
    names: dict[bytes, str] = {}
    for group in groups:
        name = names.setdefault(msgspec.msgpack.encode(group.resource), f"p{len(names) + 1}")
        tags = {key: value for key, value in group.resource.items() if key != "service.name"}
        processes[name] = {"serviceName": service_name(group), "tags": _tags(tags)}
        yield from ((span, name) for span in group.spans)


def _span(trace_id: str, node: Node, now: float) -> dict[str, Any]:
    span, process, start, took = node.timed
    references = [_reference("CHILD_OF", trace_id, span.parent_span_id)] if span.parent_span_id else []
    links = [_reference("FOLLOWS_FROM", link.trace_id.hex(), link.span_id) for link in span.links if link.trace_id]
    return {
        "traceID": trace_id,
        "spanID": span.span_id.hex(),
        "operationName": span.name,
        "references": references + links,
        "startTime": start // 1000,
        "duration": took // 1000,
        "tags": _tags(_facts(span) | span.attributes),
        "logs": [_log(event, start, now) for event in span.events],
        "processID": process,
        "warnings": [node.warning] if node.warning else [],
        "depth": node.depth,
        "selfTime": node.self_nano // 1000,
        "failed": failed(span),
    }


def _facts(span: SpanDetail) -> Attributes:
    """Return what Jaeger shows as tags and OTLP has as fields."""
    facts: Attributes = {}
    if SpanKind.INTERNAL <= span.kind <= SpanKind.CONSUMER:
        facts["span.kind"] = SpanKind(span.kind).name.lower()
    if span.status_code in (StatusCode.OK, StatusCode.ERROR):
        facts["otel.status_code"] = StatusCode(span.status_code).name
    if span.status_message:
        facts["otel.status_description"] = span.status_message
    if failed(span):
        facts["error"] = True
    return facts


def _reference(kind: str, trace_id: str, span_id: bytes) -> dict[str, str]:
    return {"refType": kind, "traceID": trace_id, "spanID": span_id.hex()}


def _log(event: EventDetail, start: int, now: float) -> dict[str, Any]:
    time = event.time_unix_nano if is_plausible(event.time_unix_nano, now) else start
    return {"timestamp": time // 1000, "fields": _tags({"event": event.name} | event.attributes)}


def _tags(attributes: Attributes) -> list[dict[str, Any]]:
    return [
        {"key": key, "type": _TYPES.get(type(value), "string"), "value": _shown(value)}
        for key, value in attributes.items()
    ]


def _shown(value: Detail) -> Any:
    """Return `value` as JSON and browsers can have it; lists and maps as text, which is how Jaeger shows them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, dict)):
        return json_text(plain(value))
    if isinstance(value, int) and abs(value) > _MOST_OF_BROWSERS:
        return str(value)
    return plain(value)
