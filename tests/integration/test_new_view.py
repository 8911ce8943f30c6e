"""A new view is asked by its line in the registry, through the composition root and a real server."""

import asyncio

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.view import View, one
from sidecar.demo.servers import PostgresServer
from sidecar.model.family import Family, MetricType
from tests.unit.app.parts_world import World

pytestmark = pytest.mark.integration
ANSWER = Family("sidecar_pg_answer", MetricType.GAUGE, "The answer.")
VIEW = View(
    name="answer",
    sql={0: "SELECT 42::int8 AS value"},
    families=(ANSWER,),
    convert=lambda rows, server: one(ANSWER, rows[0]["value"]),
)


async def test_a_new_view_is_on_the_page(postgres_18: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.build.POSTGRES_VIEWS", (*POSTGRES_VIEWS, VIEW))
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    world = World(SidecarConfig.model_validate({"postgres": [{"dsn": postgres_18.dsn}]}))
    async with asyncio.timeout(20), world.tier() as tier:
        await tier.start(world.part("postgres/postgres").make())
        while b"\nsidecar_pg_answer 42" not in world.stores.pages.render():
            await world.clock.advance(1.0)
            await asyncio.sleep(0.01)
