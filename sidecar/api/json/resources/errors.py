"""/api/v1/errors: the errors of the app in groups, and what somebody says about a group."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.moment import moment_of
from sidecar.api.json.openapi import PREFIX
from sidecar.api.json.paging import Key
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Action, Item, ListQuery, Resource
from sidecar.api.json.trace_links import TraceLinks
from sidecar.runtime.clock import Clock
from sidecar.spans.error_groups.group import ErrorGroup as Group
from sidecar.spans.error_groups.group import State
from sidecar.spans.error_groups.store import ErrorGroups

_OPEN = frozenset({State.NEW, State.ONGOING, State.REGRESSED})

Mark = Callable[[str, float], bool]
"""Says something of the group with this id at a Unix time; False if there is none."""


class Release(BaseModel):
    """A `service.version` in which errors of a group happened."""

    release: str = Field(description="`service.version`.")
    first_seen: datetime = Field(description="When the first one came.")
    last_seen: datetime = Field(description="When the last one came.")
    count: float = Field(description="Errors in this release.")


class Example(BaseModel):
    """One error of a group."""

    happened_at: datetime = Field(description="When it happened.")
    message: str = Field(description="Its message, masked.")
    trace_id: str = Field(description="Trace in hex; empty where a log record had none.")
    span_id: str = Field(description="Span in hex; empty where a log record had none.")
    trace: str | None = Field(description="Path of this trace among the `/traces`; null if it is not kept.")


class ErrorGroup(Item):
    """Errors that are one problem."""

    service: str = Field(description="The service.")
    type: str = Field(
        description="Type of the exception without its module; without one a code, `(unknown)` or `(no exception)`."
    )
    message: str = Field(description="Message of the latest example, masked.")
    state: State = Field(description="`new`, `ongoing`, `regressed`, `resolved` or `ignored`.")
    count: float = Field(description="Errors; of sampled traces as many as they stand for.")
    first_seen: datetime = Field(description="When the first one came.")
    last_seen: datetime = Field(description="When the last one came.")
    trend: list[float] = Field(description="Errors in each of the last 24 hours of the clock, the current one last.")
    releases: list[Release] = Field(description="The latest 10 releases, that seen last first.")
    frames: list[str] = Field(description="The calls that made these errors a group, the innermost first.")
    stack: str = Field(description="Stack trace of the latest example, masked; of a long one both ends.")
    examples: list[Example] = Field(description="The first error, and the latest ones.")
    traces: str = Field(description="Path of the kept traces in which it happened.")


class ErrorsQuery(ListQuery):
    """What errors may be asked for by, and sorted by; the latest, or the most, come first."""

    service: str | None = Field(None, max_length=256, description="Only errors of this service.")
    type: str | None = Field(None, max_length=256, description="Only errors of this type, as it is shown.")
    state: Literal["open", "new", "ongoing", "regressed", "resolved", "ignored"] | None = Field(
        None, description="Only errors in this state; `open` is `new`, `ongoing` and `regressed`."
    )
    sort: Literal["last_seen", "first_seen", "count"] = Field("last_seen", description="What the list is sorted by.")


def errors_resource(context: ResourceContext) -> Resource[ErrorsQuery]:
    """Return the resource of the groups of errors, with links to the example traces that are kept."""
    groups, clock = context.insights.errors, context.clock
    reading = _Reading(groups, context.links, clock)
    records = Records(lambda: [*groups.newest()], groups.get, reading.fits, _key, reading.shown, clock)

    def marking(mark: Mark) -> Callable[[str], Awaitable[Item | None]]:
        async def do(ident: str) -> Item | None:
            return await records.get(ident) if mark(ident, clock.now()) else None

        return do

    return Resource(
        "errors",
        "Errors of the app, those of one problem together; that seen last first.",
        ErrorGroup,
        ErrorsQuery,
        records.keys,
        records.get,
        actions={
            "resolve": Action(
                "Says that the problem is solved: if it comes back, it is `regressed`.", marking(groups.resolve)
            ),
            "ignore": Action("Says that nobody need care: it is counted and nothing else.", marking(groups.ignore)),
            "reopen": Action("Takes back that it was resolved or ignored.", marking(groups.reopen)),
        },
    )


def _key(group: Group, query: ErrorsQuery) -> Key:
    return getattr(group, query.sort), group.id


class _Reading:
    """What a group says at the present time."""

    def __init__(self, groups: ErrorGroups, traces: TraceLinks, clock: Clock) -> None:
        self._groups = groups
        self._traces = traces
        self._clock = clock

    def fits(self, group: Group, query: ErrorsQuery) -> bool:
        return (
            query.service in (None, group.service)
            and query.type in (None, group.type)
            and (query.state is None or self._is_in(group, query.state))
        )

    def _is_in(self, group: Group, wanted: str) -> bool:
        state = self._groups.state_of(group, self._clock.now())
        return state in _OPEN if wanted == "open" else state == wanted

    def shown(self, group: Group) -> ErrorGroup:
        now = self._clock.now()
        return ErrorGroup(
            id=group.id,
            service=group.service,
            type=group.type,
            message=group.message,
            state=self._groups.state_of(group, now),
            count=group.count,
            first_seen=moment_of(group.first_seen),
            last_seen=moment_of(group.last_seen),
            trend=self._groups.trend_of(group, now),
            releases=_releases(group),
            frames=group.frames,
            stack=group.stack,
            examples=list(self._examples(group)),
            traces=f"{PREFIX}/traces?error_group={group.id}",
        )

    def _examples(self, group: Group) -> Iterable[Example]:
        for example in group.examples:
            yield Example(
                happened_at=moment_of(example.time),
                message=example.message,
                trace_id=example.trace_id,
                span_id=example.span_id,
                trace=self._traces.path_of(example.trace_id),
            )


def _releases(group: Group) -> list[Release]:
    latest_first = sorted(group.releases.items(), key=lambda pair: -pair[1].last_seen)
    return [
        Release(
            release=name,
            first_seen=moment_of(release.first_seen),
            last_seen=moment_of(release.last_seen),
            count=release.count,
        )
        for name, release in latest_first
    ]
