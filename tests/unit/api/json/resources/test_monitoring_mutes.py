"""Mutes over the API."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from sidecar.rules.mutes.config import MuteConfig
from tests.unit.api.json.resources.test_insights import World


@pytest.fixture
async def world(aiohttp_client: Callable[[web.Application], Awaitable[TestClient[Any, Any]]]) -> World:
    world = World()
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    ends = {"release": now + timedelta(hours=1), "past": now - timedelta(hours=1)}
    base = {"matchers": ['alertname="Slow"'], "reason": "New release.", "actor": "ada"}
    given = [{**base, "name": name, "ends_at": end} for name, end in ends.items()]
    given.append({**base, "name": "years", "windows": [{"years": ["2001"]}]})
    world.mutes.configure([MuteConfig.model_validate(one) for one in given])
    await world.serve(aiohttp_client)
    return world


async def test_mutes_are_listed_as_they_are_configured_with_what_they_are_doing(world: World) -> None:
    items = (await world.get("monitoring/mutes"))["items"]
    assert [(item["id"], item["state"]) for item in items] == [
        ("release", "active"),
        ("past", "over"),
        ("years", "waiting"),
    ]
    assert items[0] == await world.get("monitoring/mutes/release")
    assert items[0]["matchers"] == ['alertname="Slow"']
    assert (items[0]["reason"], items[0]["actor"], items[0]["windows"]) == ("New release.", "ada", [])
    assert (items[2]["ends_at"], items[2]["windows"][0]["years"]) == (None, ["2001"])


async def test_mutes_are_asked_for_by_their_state(world: World) -> None:
    assert [item["id"] for item in (await world.get("monitoring/mutes?state=over"))["items"]] == ["past"]
