"""The dead man's switch is called while the watchdog fires, and nobody learns where."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from sidecar.deliver.sender import SenderContext
from sidecar.deliver.webhook.config import DeadManConfig
from sidecar.deliver.webhook.dead_man import DeadMan, DeadManFailing, DeadManRecovered
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents, until
from tests.unit.deliver.webhook.alerts import alert

Serve = Callable[[web.Application], Awaitable[TestServer]]


class Service:
    """A service that counts calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.status = 200
        self.url = ""

    async def get(self, _: web.Request) -> web.Response:
        self.calls += 1
        return web.Response(status=self.status, text="canary-path")


@pytest.fixture
async def service(aiohttp_server: Serve) -> Service:
    service, app = Service(), web.Application()
    app.router.add_get("/canary-path", service.get)
    service.url = str((await aiohttp_server(app)).make_url("/canary-path"))
    return service


class World:
    """A dead man's switch with its time, meters and events in view."""

    def __init__(self, **settings: Any) -> None:
        self.clock, self.registry = FakeClock(), CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        context = SenderContext(self.clock, Meter(self.registry), self.events)
        self.switch = DeadMan(DeadManConfig.model_validate(settings), context)

    def count(self, name: str) -> float:
        return self.registry.get_sample_value(f"sidecar_dead_man_{name}_total") or 0.0

    async def pass_intervals(self, count: int) -> None:
        for _ in range(count):
            await self.clock.advance(60.0)
            await until(lambda: self.clock.sleeping > 0)


async def test_it_is_called_at_each_interval_while_the_watchdog_fires(service: Service, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(service.url)
    world = World(url_file=str(tmp_path / "url"))
    async with open_tier(world.clock, world.events) as tier:
        await tier.start(world.switch)
        await until(lambda: world.clock.sleeping > 0)
        world.switch.accept([alert("Other")])
        await world.pass_intervals(2)
        assert service.calls == 0
        world.switch.accept([alert("Watchdog", ends=310)])
        await world.pass_intervals(5)
    # The rule was last heard of 310 s after the start: 180, 240 and 300 s are before that.
    assert service.calls == world.count("calls") == 3
    assert world.count("failed_calls") == 0


async def test_a_failure_is_told_once_without_the_url_and_so_is_its_end(service: Service) -> None:
    world = World(url=service.url)
    service.status = 500
    async with open_tier(world.clock, world.events) as tier:
        world.switch.accept([alert("Watchdog")])
        await tier.start(world.switch)
        await until(lambda: world.clock.sleeping > 0)
        await world.pass_intervals(2)
        service.status = 200
        await world.pass_intervals(1)
    assert [event.reason for event in world.events.seen if isinstance(event, DeadManFailing)] == ["status 500"]
    assert [event.seconds for event in world.events.seen if isinstance(event, DeadManRecovered)] == [180]
    assert (world.count("calls"), world.count("failed_calls")) == (4, 3)


async def test_one_that_is_away_is_named_without_its_url(unused_tcp_port: int) -> None:
    world = World(url=f"http://127.0.0.1:{unused_tcp_port}/canary-path?token=canary")
    async with open_tier(world.clock, world.events) as tier:
        world.switch.accept([alert("Watchdog")])
        await tier.start(world.switch)
        await until(lambda: world.count("failed_calls") == 1)
        await until(lambda: world.clock.sleeping > 0)
    assert [type(event) for event in world.events.seen] == [DeadManFailing]
    assert "canary" not in str(world.events.seen)


@pytest.mark.parametrize("given", [{}, {"url": "canary"}, {"url": "http://h", "url_file": "f"}])
def test_what_is_no_url_is_refused_without_repeating_it(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        DeadManConfig.model_validate(given)
    assert "canary" not in str(caught.value)
