"""/api/v1/monitoring/alerts: what the alerts of our own rules went through."""

import math
from datetime import datetime

from pydantic import BaseModel, Field

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.moment import moment_of
from sidecar.api.json.paging import Key
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Item, ListQuery, Resource
from sidecar.model.alert import AlertState
from sidecar.rules.history import AlertTransitions


class AlertTransition(BaseModel):
    """An alert came into another state."""

    at: datetime = Field(description="Time of the evaluation that saw it.")
    state: AlertState = Field(description="`pending`, `firing`, or `inactive` at its end.")
    value: float | None = Field(
        description="Value of the rule's expression then, at the end the last one; null where it is no number."
    )


class AlertItem(Item):
    """An alert of one of the rules, by its labels."""

    rule: str = Field(description="Name of the rule.")
    group: str = Field(description="File and name of the rule's group.")
    labels: dict[str, str] = Field(description="Labels of the alert, without `external_labels`.")
    state: AlertState = Field(description="`pending`, `firing` or `inactive`.")
    since: datetime = Field(description="When it came into this state.")
    transitions: list[AlertTransition] = Field(description="The last 20, the latest last.")


class AlertsQuery(ListQuery):
    """What alerts may be asked for by; that which changed last comes first."""

    rule: str | None = Field(None, max_length=256, description="Only alerts of the rules with this name.")
    state: AlertState | None = Field(None, description="Only alerts in this state.")


def alerts_resource(context: ResourceContext) -> Resource[AlertsQuery]:
    """Return the resource of the last 1,000 alerts."""
    history = context.alerts
    records = Records(lambda: [*history.newest()], history.get, _fits, _key, _shown, context.clock)
    return Resource(
        "monitoring/alerts",
        "Alerts of the rules that the sidecar evaluates, and what they went through; that which changed last first.",
        AlertItem,
        AlertsQuery,
        records.keys,
        records.get,
    )


def _key(alert: AlertTransitions, _query: AlertsQuery) -> Key:
    return alert.latest.at_ms / 1000, alert.id


def _fits(alert: AlertTransitions, query: AlertsQuery) -> bool:
    return query.rule in (None, alert.rule) and query.state in (None, alert.latest.state)


def _shown(alert: AlertTransitions) -> AlertItem:
    transitions = [
        AlertTransition(
            at=moment_of(it.at_ms / 1000), state=it.state, value=it.value if math.isfinite(it.value) else None
        )
        for it in alert.transitions
    ]
    return AlertItem(
        id=alert.id,
        rule=alert.rule,
        group=alert.group,
        labels=dict(alert.labels),
        state=alert.latest.state,
        since=transitions[-1].at,
        transitions=transitions,
    )
