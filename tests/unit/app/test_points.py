"""What is promised of everything that can be added: it is registered, documented, and a part like all others.

Each file of a point's folder is in its registry, once; each part of a configuration with everything in it can be made,
starts, and stops at any time.
"""

import asyncio
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from sidecar.app.assembly import Assembly
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files
from sidecar.app.foundation import Foundation, lay_foundation
from sidecar.app.parts import Part
from sidecar.app.registry import CHECKS, POSTGRES_VIEWS, REDIS_SECTIONS, RESOURCES
from sidecar.app.source import ConfigSource
from sidecar.model.health import Cause, Health, Status
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.config import ProbesConfig
from sidecar.promql.result import Vector
from sidecar.runtime.lifecycle import Tier, open_tier
from tests.conftest import ROOT
from tests.fakes import FakeClock, RecordedEvents, settle, until
from tests.unit.app.config_fields import maximal

EXPECTED = {"watchdog", "pod", "local", "telemetry", "state", "forward", "rules", "watch", "otlp_http", "otlp_grpc"}
"""Some of the parts, so that no test is about nothing."""


class Point(NamedTuple):
    """Something that can be added: its files, or packages, in a folder, and how its page names one."""

    folder: str
    registered: list[str]
    page: str
    title: str
    packages: bool = False

    @property
    def found(self) -> list[str]:
        modules = pkgutil.iter_modules([str(ROOT / self.folder)])
        return [module.name for module in modules if module.ispkg is self.packages]


def modules_of(makers: Iterable[Callable[..., Any]], back: int = 1) -> list[str]:
    """Return the last part, or one before it, of the name of the module that each stands in."""
    return [maker.__module__.split(".")[-back] for maker in makers]


POINTS = {
    "views": Point(
        "sidecar/collect/postgres/views",
        [view.name for view in POSTGRES_VIEWS],
        "docs/reference/metrics.md",
        "### `{}`",
    ),
    "sections": Point(
        "sidecar/collect/redis/sections",
        [section.name for section in REDIS_SECTIONS],
        "docs/reference/metrics.md",
        "### Section `{}`",
    ),
    "checks": Point(
        "sidecar/probe/checks",
        modules_of(CHECKS.values(), back=2),
        "docs/reference/configuration.md",
        "probes.checks[] (kind: {})",
        packages=True,
    ),
    "resources": Point("sidecar/api/json/resources", modules_of(RESOURCES), "docs/api.md", "`/api/v1/{}`"),
}


@pytest.fixture(params=POINTS.values(), ids=list(POINTS))
def point(request: pytest.FixtureRequest) -> Point:
    found = request.param
    assert isinstance(found, Point)
    return found


def test_each_file_of_a_point_is_registered_once(point: Point) -> None:
    assert sorted(point.registered) == sorted(point.found)


def test_each_registered_thing_is_documented(point: Point) -> None:
    page = (ROOT / point.page).read_text()
    hyphened = "-" if point.page == "docs/api.md" else "_"
    titles = [point.title.format(name.replace("_", hyphened)) for name in point.registered]
    assert [title for title in titles if title not in page] == []


def test_each_check_that_can_be_configured_can_be_made() -> None:
    configured = {type(check) for check in everything(Path()).probes.checks}
    assert configured == CHECKS.keys()


def everything(folder: Path) -> SidecarConfig:
    """Return a configuration with everything there is, on ports that are free, of peers that are not there."""
    data = maximal() | {
        "pod": {"listen": "127.0.0.1:0"},
        "api": {"listen": "127.0.0.1:0"},
        "otlp": {"http": {"listen": "127.0.0.1:0"}, "grpc": {"listen": "127.0.0.1:0"}},
        "state": {"path": str(folder / "state.db")},
    }
    data["telemetry"]["timeout_seconds"] = 0.1
    return SidecarConfig.model_validate(data)


class World:
    """The parts of a configuration, in a tier of their own; what events were emitted."""

    def __init__(self, config: SidecarConfig) -> None:
        self.clock = FakeClock()
        self.base: Foundation = lay_foundation(config, self.clock)
        files = Files((), {target.name: () for target in config.postgres})
        parts = Assembly(config, self.base).parts(config, files, ConfigSource(None, {}))
        self.parts: list[Part] = sorted(parts, key=lambda part: part.tier)
        self.events = RecordedEvents(self.clock)

    @asynccontextmanager
    async def tier(self) -> AsyncIterator[Tier]:
        async with open_tier(self.clock, self.events) as tier:
            yield tier

    def value(self, name: str, **labels: str) -> float | None:
        return self.base.meter.registry.get_sample_value(name, labels)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("sidecar.deliver.telemetry.component.FLUSH_SECONDS", 0.1)
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    world = World(everything(tmp_path))
    assert {part.name for part in world.parts} >= EXPECTED
    return world


async def test_a_part_stops_before_it_is_ready(world: World) -> None:
    async with world.tier() as tier:
        for part in world.parts:
            starting = asyncio.ensure_future(tier.start(part.make()))
            await asyncio.sleep(0)
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
            assert tier.names == ()
    assert world.events.seen == []


async def test_a_part_starts_and_stops_and_does_so_again(world: World) -> None:
    async with world.tier() as tier:
        for part in world.parts:
            component = part.make()
            assert component.name == part.name
            for _ in range(2):
                await tier.start(component)
                await settle()
                await tier.stop(part.name)
            await tier.stop(part.name)
    assert world.events.seen == []


class QueryCheckConfig(CheckConfig):
    """What a kind of check needs that asks the head."""

    kind: Literal["query"] = "query"
    expression: str


class QueryCheck:
    """Fails while its expression gives something."""

    def __init__(self, config: QueryCheckConfig, context: CheckContext) -> None:
        self._config, self._context = config, context

    async def check(self) -> Health:
        query, now = self._context.query, self._context.clock.now()
        found = await query.instant(await query.parse(self._config.expression), round(now * 1000))
        fires = isinstance(found, Vector) and found.samples
        return Health(Status.FAIL, Cause.ANSWERED_BADLY, "fires") if fires else Health(Status.PASS)


@pytest.mark.parametrize(("expression", "success"), [("vector(1) > 2", 1), ("vector(3) > 2", 0)])
async def test_a_new_kind_of_check_needs_no_more_than_its_line_in_the_registry(
    expression: str, success: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKS, QueryCheckConfig, QueryCheck)  # type: ignore[arg-type]
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)
    probes = ProbesConfig.model_construct(checks=(QueryCheckConfig(name="quiet", expression=expression),))
    world = World(SidecarConfig().model_copy(update={"probes": probes}))
    (part,) = [part for part in world.parts if part.name == "probe/quiet"]
    async with world.tier() as tier:
        await tier.start(part.make())
        await until(lambda: world.value("sidecar_probe_success", check="quiet") is not None)
        assert world.value("sidecar_probe_success", check="quiet") == success
