"""What is promised of everything that can be added: it is registered, documented, and a part like all others.

Each file of a point's folder is in its registry, once; each part of a configuration with everything in it can be made,
starts, and stops at any time.
"""

import asyncio
import pkgutil
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from sidecar import logs, spans
from sidecar.app.registry import CHECKS, LOG_STAGES, POSTGRES_VIEWS, REDIS_SECTIONS, RESOURCES, SPAN_STAGES
from sidecar.logs.config import OtlpLogsConfig
from sidecar.spans.context import StageContext
from tests.conftest import ROOT
from tests.fakes import settle
from tests.unit.app.parts_world import World, everything

EXPECTED = {"watchdog", "pod", "local", "telemetry", "state", "forward", "rules", "watch"}
EXPECTED |= {"gather", "otlp_http", "otlp_grpc"}
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
        r"### `{}`",
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
        r"probes.checks\[\] \(kind: {}\)",
        packages=True,
    ),
    "resources": Point("sidecar/api/json/resources", modules_of(RESOURCES), "docs/api.md", "`/api/v1/{}`"),
}

STAGES = ((spans, StageContext, SPAN_STAGES), (logs, OtlpLogsConfig, LOG_STAGES))


@pytest.fixture(params=POINTS.values(), ids=list(POINTS))
def point(request: pytest.FixtureRequest) -> Point:
    found = request.param
    assert isinstance(found, Point)
    return found


def test_each_file_of_a_point_is_registered_once(point: Point) -> None:
    assert sorted(point.registered) == sorted(point.found)


def test_each_registered_thing_is_documented(point: Point) -> None:
    page = (ROOT / point.page).read_text()
    between = "[-/]" if point.page == "docs/api.md" else "_"
    titles = [point.title.format(name).replace("_", between) for name in map(re.escape, point.registered)]
    assert [title for title in titles if not re.search(title, page)] == []


@pytest.mark.parametrize(("package", "context", "registered"), STAGES, ids=["spans", "logs"])
def test_each_function_that_makes_a_stage_is_registered_once(
    package: ModuleType, context: type, registered: tuple[object, ...]
) -> None:
    modules = [import_module(found.name) for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    made = [
        thing
        for module in modules
        for thing in vars(module).values()
        if callable(thing) and getattr(thing, "__module__", "") == module.__name__ and _takes_only(thing, context)
    ]
    assert Counter(made) == Counter(registered)


def _takes_only(thing: Callable[..., Any], context: type) -> bool:
    return [each.annotation for each in signature(thing).parameters.values()] == [context]


def test_each_check_that_can_be_configured_can_be_made() -> None:
    configured = {type(check) for check in everything(Path()).probes.checks}
    assert configured == CHECKS.keys()


@pytest.fixture(autouse=True)
def _no_files_read_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("sidecar.deliver.telemetry.component.FLUSH_SECONDS", 0.1)
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
