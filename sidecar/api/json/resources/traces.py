"""/api/v1/traces: the traces that are kept, found by what they are about, each as a tree and as OTLP."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.moment import Moment, moment_of
from sidecar.api.json.paging import Key
from sidecar.api.json.resource import Item, ListQuery, Resource, View
from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.codec.peer.ids import trace_id_of_hex
from sidecar.runtime.clock import Clock
from sidecar.runtime.turns import in_turns
from sidecar.spans.traces.search import FullTrace, TraceQuery, TraceSummary, find, search, summary_of
from sidecar.spans.traces.store import TraceStore
from sidecar.spans.traces.tree import jaeger_tree

_EVERY_TRACE = 1 << 30


class Trace(Item):
    """A kept trace in short; `id` is the trace id in hex."""

    name: str = Field(description="Name of the local root span; `(no root)` without one.")
    service: str = Field(description="Service of the local root.")
    method: str = Field(description="HTTP method of the local root, or empty.")
    route: str = Field(description="Route of the local root, or its name where it has none.")
    started_at: datetime = Field(description="When it started.")
    duration_seconds: float = Field(description="How long the local root took; without one, all spans together.")
    status: Literal["error", "ok"] = Field(description="Whether a span of it failed.")
    spans: int = Field(description="Spans that are stored.")
    missing_spans: int = Field(description="Spans that came and were over a limit.")
    errors: int = Field(description="Spans that failed, those that are missing included.")
    services: list[str] = Field(description="Services that take part.")
    reason: Literal["cited", "error", "slow", "sample"] = Field(description="Why it is kept.")
    error_groups: list[str] = Field(description="The `id` of each of the `/errors` that it is an example of.")


class TracesQuery(ListQuery):
    """What traces may be asked for by; all of it must fit."""

    service: str | None = Field(None, max_length=256, description="A service that takes part.")
    route: str | None = Field(None, max_length=256, description="Route of the local root, or its name without one.")
    status: Literal["error", "ok"] | None = Field(None, description="Whether a span of it failed.")
    min_duration_seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="It took at least that.")
    max_duration_seconds: float | None = Field(None, ge=0, allow_inf_nan=False, description="It took at most that.")
    since: Moment | None = Field(None, description="It started then or later; RFC 3339 or Unix seconds.")
    until: Moment | None = Field(None, description="It started before that; RFC 3339 or Unix seconds.")
    attribute: str | None = Field(
        None,
        max_length=512,
        pattern=r"^[^=]+=",
        description="`key=value`: a span, an event or a resource of it has this attribute, as text.",
    )
    error_group: str | None = Field(None, max_length=64, description="It is an example of these errors.")


def traces_resource(context: ResourceContext) -> Resource[TracesQuery]:
    """Return the resource of the traces that are kept, the last kept one first."""
    reading = _Reading(context.traces, context.clock)
    return Resource(
        "traces",
        "Traces that are kept: failed ones, the slowest of each endpoint and a sample; the last kept one first.",
        Trace,
        TracesQuery,
        reading.keys,
        reading.get,
        {
            "tree": View("All its spans in Jaeger's JSON, with depth and self time added.", None, reading.tree),
            "otlp": View("All its spans as the body of an OTLP/JSON request.", None, reading.otlp),
        },
    )


class _Reading:
    def __init__(self, store: TraceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keys(self, query: TracesQuery) -> Iterable[Key]:
        steps = search(self._store, _wanted(query), _EVERY_TRACE, self._clock.now())
        page = await in_turns(steps, self._clock)
        return [(summary.key, summary.trace_id) for summary in page.traces]

    async def get(self, ident: str) -> Trace | None:
        kept = self._store.kept.traces.get(trace_id_of_hex(ident))
        return None if kept is None else _shown(summary_of(kept))

    async def tree(self, ident: str) -> Mapping[str, Any] | None:
        found = await self._find(ident)
        if found is None:
            return None
        now = self._store.wall(self._clock.now())
        tree = jaeger_tree(trace_id_of_hex(ident), found.groups, now, found.summary.started_at)
        return await in_turns(tree, self._clock)

    async def otlp(self, ident: str) -> bytes | None:
        found = await self._find(ident)
        return None if found is None else await in_turns(otlp_json(trace_id_of_hex(ident), found.groups), self._clock)

    async def _find(self, ident: str) -> FullTrace | None:
        return await in_turns(find(self._store, trace_id_of_hex(ident), self._clock.now()), self._clock)


def _wanted(query: TracesQuery) -> TraceQuery:
    key, _, value = (query.attribute or "").partition("=")
    return TraceQuery(
        service=query.service,
        route=query.route,
        failed=None if query.status is None else query.status == "error",
        min_seconds=query.min_duration_seconds,
        max_seconds=query.max_duration_seconds,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
        attribute=(key, value) if key else None,
        error_group=query.error_group,
    )


def _shown(summary: TraceSummary) -> Trace:
    return Trace(
        id=summary.trace_id,
        name=summary.name,
        service=summary.service,
        method=summary.method,
        route=summary.route,
        started_at=moment_of(summary.started_at),
        duration_seconds=summary.duration_seconds,
        status="error" if summary.failed else "ok",
        spans=summary.spans,
        missing_spans=summary.missing,
        errors=summary.errors,
        services=list(summary.services),
        reason=summary.reason,
        error_groups=list(summary.error_groups),
    )
