"""Reading the trace store: lists of traces by what they are about, and one trace in full."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from sidecar.codec.otlp.span_detail import DetailGroup, SpanDetail
from sidecar.model.steps import Steps
from sidecar.spans.traces.kept import KeptTrace
from sidecar.spans.traces.read import Attribute, groups_of
from sidecar.spans.traces.store import TraceStore

_STEP_TRACES = 200


class TraceQuery(NamedTuple):
    """Which traces are wanted; None means any.

    `service` takes part in the trace; `route` is that of its local root, or the root's name where there is none.
    `failed` is whether it has an error. Times are Unix seconds, `since` included and `until` not, of its start. One of
    its spans, events or resources has the attribute, as text: `500`, `true`.
    """

    service: str | None = None
    route: str | None = None
    failed: bool | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    since: float | None = None
    until: float | None = None
    attribute: tuple[str, str] | None = None
    error_group: str | None = None


class TraceSummary(NamedTuple):
    """A kept trace in short.

    `key` is its place: higher than that of traces that were kept before. `name`, `method` and `route` are those of its
    local root; empty, and `(no root)`, without one. `duration_seconds` is the root's, without one that of all spans.
    `spans` counts the stored ones as often as they came, `missing` those over the limits, `errors` those of both that
    failed. `reason` is why it is kept: `cited`, `error`, `slow` or `sample`.
    """

    key: int
    trace_id: str
    name: str
    service: str
    method: str
    route: str
    started_at: float
    duration_seconds: float
    spans: int
    missing: int
    errors: int
    failed: bool
    services: Sequence[str]
    reason: str
    error_groups: Sequence[str]


class TracePage(NamedTuple):
    """Some traces, the last kept one first; `next` is what to give as `before` for those after, None at the end."""

    traces: Sequence[TraceSummary]
    next: int | None


class FullTrace(NamedTuple):
    """All stored spans of a trace, each once; groups and spans in the order of their start."""

    summary: TraceSummary
    groups: Sequence[DetailGroup]


def search(store: TraceStore, query: TraceQuery, limit: int, now: float, before: int | None = None) -> Steps[TracePage]:
    """Return at most `limit` traces that fit `query` and have a lower key than `before`, as of Unix time `now`."""
    yield from store.advance(now)
    found: list[TraceSummary] = []
    attribute = None if query.attribute is None else Attribute(*query.attribute, store.redact)
    for number, trace in enumerate(store.kept.newest_first()):
        if number % _STEP_TRACES == 0:
            yield
        if (before is not None and trace.key >= before) or not _fits(trace, query):
            continue
        if attribute is not None:
            with store.reading(trace):
                if not (yield from attribute.is_in(trace)):
                    continue
        if len(found) == limit:
            return TracePage(found, found[-1].key if found else before)
        found.append(summary_of(trace))
    return TracePage(found, None)


def find(store: TraceStore, trace_id: bytes, now: float) -> Steps[FullTrace | None]:
    """Return the trace with this id; None if it is not kept."""
    yield from store.advance(now)
    trace = store.kept.traces.get(trace_id)
    if trace is None:
        return None
    spans: dict[tuple[Any, ...], tuple[SpanDetail, bytes]] = {}
    sources: dict[bytes, DetailGroup] = {}
    with store.reading(trace):
        for group in groups_of(trace, store.redact):
            source = msgspec.msgpack.encode((group.resource, group.scope))
            sources.setdefault(source, DetailGroup(group.resource, group.scope, []))
            spans.update((_identity(span), (span, source)) for span in group.spans)
            yield
    for identity in sorted(spans):
        span, source = spans[identity]
        sources[source].spans.append(span)
    in_order = sorted(sources.values(), key=lambda group: _identity(group.spans[0]))
    return FullTrace(summary_of(trace), in_order)


def summary_of(trace: KeptTrace) -> TraceSummary:
    """Return what a list shows of `trace`."""
    held, endpoint = trace.held, trace.endpoint
    return TraceSummary(
        key=trace.key,
        trace_id=held.trace_id.hex(),
        name=trace.name,
        service=endpoint.service or next(iter(trace.services), ""),
        method=endpoint.method,
        route=endpoint.route,
        started_at=trace.started_at,
        duration_seconds=trace.seconds,
        spans=held.spans,
        missing=held.missing,
        errors=held.failures,
        failed=held.failures > 0,
        services=trace.services,
        reason=trace.reason,
        error_groups=held.error_groups,
    )


def _fits(trace: KeptTrace, query: TraceQuery) -> bool:
    return all(_answers(trace, query))


def _answers(trace: KeptTrace, query: TraceQuery) -> Iterator[bool]:
    yield query.service is None or query.service in trace.services
    yield query.route is None or query.route == trace.endpoint.route
    yield query.failed is None or query.failed == (trace.held.failures > 0)
    yield query.min_seconds is None or trace.seconds >= query.min_seconds
    yield query.max_seconds is None or trace.seconds <= query.max_seconds
    yield query.since is None or trace.started_at >= query.since
    yield query.until is None or trace.started_at < query.until
    yield query.error_group is None or query.error_group in trace.held.error_groups


def _identity(span: SpanDetail) -> tuple[Any, ...]:
    """Return what two copies of a span have in common, which a sender that tries again makes; in order of start."""
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    return start, span.span_id, end, span.parent_span_id, span.kind, span.name
