"""What alerts went through, over the API."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sidecar.model.alert import AlertState
from sidecar.model.labels import labels_of
from sidecar.promql.ast import Number
from sidecar.rules.group import AlertingRule
from sidecar.rules.record import RuleRecord
from sidecar.rules.state import ActiveAlert
from tests.unit.api.json.resources.test_insights import World

LABELS = {"alertname": "Down", "job": "shop"}


@pytest.fixture
async def world(aiohttp_client: Callable[[web.Application], Awaitable[TestClient[Any, Any]]]) -> World:
    world = World()
    record = RuleRecord(AlertingRule("Down", Number(1)), "rule/f;g;alert;Down{};0")
    for at_ms, state, value in [(1000, AlertState.PENDING, 2.0), (2500, AlertState.FIRING, float("nan"))]:
        alert = ActiveAlert(labels_of(LABELS), (), value, 0, state)
        world.alerts.note(record, "f;g", {alert.labels: alert}, at_ms)
        record.active = {alert.labels: alert}
    await world.serve(aiohttp_client)
    return world


async def test_an_alert_shows_its_rule_its_labels_and_what_it_went_through(world: World) -> None:
    (item,) = (await world.get("monitoring/alerts"))["items"]
    assert item == await world.get(f"monitoring/alerts/{item['id']}")
    assert (item["rule"], item["group"], item["labels"]) == ("Down", "f;g", LABELS)
    assert (item["state"], item["since"]) == ("firing", "1970-01-01T00:00:02.500000Z")
    assert [(it["state"], it["value"]) for it in item["transitions"]] == [("pending", 2.0), ("firing", None)]


@pytest.mark.parametrize(
    ("query", "count"), [("rule=Down", 1), ("rule=Up", 0), ("state=firing", 1), ("state=pending", 0)]
)
async def test_alerts_are_asked_for_by_rule_and_state(world: World, query: str, count: int) -> None:
    assert len((await world.get(f"monitoring/alerts?{query}"))["items"]) == count
