"""/api/v1/monitoring/mutes: which alerts webhooks are not told of."""

from datetime import datetime

from pydantic import Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.paging import Key
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Item, ListQuery, Resource
from sidecar.rules.mutes.config import WindowConfig
from sidecar.rules.mutes.mutes import Mute, MuteState


class MuteItem(Item):
    """A mute of the configuration; its id is its name."""

    matchers: list[str] = Field(description="What labels an alert must have; all must match.")
    state: MuteState = Field(
        description="`active` while it holds, `waiting` outside of its windows, `over` after its end."
    )
    ends_at: datetime | None = Field(description="When it is over for good; null: never.")
    windows: list[WindowConfig] = Field(description="When it holds; none: all the time.")
    reason: str = Field(description="Why.")
    actor: str = Field(description="Who wants it.")


class MutesQuery(ListQuery):
    """What mutes may be asked for by."""

    state: MuteState | None = Field(None, description="Only mutes in this state.")


def mutes_resource(context: ResourceContext) -> Resource[MutesQuery]:
    """Return the resource of all mutes."""
    mutes = context.mutes

    def now_ms() -> int:
        return round(context.wall() * 1000)

    def fits(mute: Mute, query: MutesQuery) -> bool:
        return query.state in (None, mute.state(now_ms()))

    def key(mute: Mute, _query: MutesQuery) -> Key:
        # The first by name has the highest rank.
        return -float(mutes.all.index(mute)), mute.config.name

    def shown(mute: Mute) -> MuteItem:
        config = mute.config
        return MuteItem(
            id=config.name,
            matchers=list(config.matchers),
            state=mute.state(now_ms()),
            ends_at=config.ends_at,
            windows=list(config.windows),
            reason=config.reason,
            actor=config.actor,
        )

    records = Records(lambda: mutes.all, mutes.get, fits, key, shown, context.clock)
    return Resource(
        "monitoring/mutes",
        "Alerts that webhooks are not told of, and until when, in the order of the configuration.",
        MuteItem,
        MutesQuery,
        records.keys,
        records.get,
    )
