"""A new section is collected by its line in the registry, through the composition root and a real server."""

import asyncio

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.section import Section
from sidecar.demo.servers import ValkeyServer
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from tests.unit.app.parts_world import World

pytestmark = pytest.mark.integration
ANSWER = Family("sidecar_redis_answer", MetricType.GAUGE, "The answer.")
SECTION = Section("answer", (ANSWER,), lambda _: [FamilySamples(ANSWER, [Sample(ANSWER.name, (), 42.0)])])


async def test_a_new_section_is_on_the_page(redis_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.build.REDIS_SECTIONS", (*REDIS_SECTIONS, SECTION))
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    world = World(SidecarConfig.model_validate({"redis": [{"url": redis_server.url}]}))
    async with asyncio.timeout(20), world.tier() as tier:
        await tier.start(world.part("redis/redis").make())
        while b"\nsidecar_redis_answer 42" not in world.stores.pages.render():
            await world.clock.advance(1.0)
            await asyncio.sleep(0.01)
