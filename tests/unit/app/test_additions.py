"""What is new runs by its line in the registry, and nothing else need know of it."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from aiohttp import ClientSession
from pydantic import Field

from sidecar.api.config import ApiConfig
from sidecar.api.json.context import ResourceContext
from sidecar.api.json.records import Records
from sidecar.api.json.resource import Item, ListQuery, Resource
from sidecar.app.config import SidecarConfig
from sidecar.app.registry import CHECKS, JOBS, RESOURCES, SPAN_STAGES
from sidecar.app.stores import Stores
from sidecar.jobs.schedule import Job
from sidecar.model.address import Address
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.health import Cause, Health, Status
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.config import ProbesConfig
from sidecar.promql.result import Vector
from sidecar.runtime.clock import Clock
from sidecar.runtime.component import Listening
from sidecar.spans.context import StageContext
from sidecar.spans.shape import ObservedSpans
from tests.fakes import until
from tests.unit.app.parts_world import World
from tests.unit.collect.scraping import values_of
from tests.unit.spans.conftest import batch_of, span_of

__all__ = ["batch_of", "span_of"]


@pytest.fixture(autouse=True)
def _no_files_read_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)


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
async def test_a_new_kind_of_check_runs_by_its_line_in_the_registry(
    expression: str, success: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds: dict[type, object] = {**CHECKS, QueryCheckConfig: QueryCheck}
    monkeypatch.setattr("sidecar.app.build.CHECKS", kinds)
    checks = (QueryCheckConfig(name="quiet", expression=expression),)
    probes = ProbesConfig().model_copy(update={"checks": checks})
    world = World(SidecarConfig().model_copy(update={"probes": probes}))
    async with world.tier() as tier:
        await tier.start(world.part("probe/quiet").make())
        await until(lambda: world.value("sidecar_probe_success", check="quiet") is not None)
        assert world.value("sidecar_probe_success", check="quiet") == success


class Pet(Item):
    """What is shown of a pet."""

    age: int = Field(description="Years.")


def pets_resource(context: ResourceContext) -> Resource[ListQuery]:
    pets = {"rex": 3, "tom": 7}
    records: Records[tuple[str, int], ListQuery] = Records(
        pets.items,
        lambda name: (name, pets[name]) if name in pets else None,
        lambda pet, query: pet[1] < 100,
        lambda pet, query: (float(pet[1]), pet[0]),
        lambda pet: Pet(id=pet[0], age=pet[1]),
        context.clock,
    )
    return Resource("pets", "Pets.", Pet, ListQuery, records.keys, records.get)


async def test_a_new_resource_is_shown_by_its_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.build.RESOURCES", (*RESOURCES, pets_resource))
    world = World(SidecarConfig(api=ApiConfig(listen=Address("127.0.0.1", 0))))
    async with world.tier() as tier:
        local = world.part("local").make()
        await tier.start(local)
        assert isinstance(local, Listening)
        async with ClientSession(f"http://{local.address}/api/v1/") as api:
            assert await (await api.get("pets")).json() == {
                "items": [{"id": "tom", "age": 7}, {"id": "rex", "age": 3}],
                "next": None,
            }
            assert (await api.get("pets/ben")).status == 404


async def test_a_new_job_runs_by_its_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Stores] = []

    async def count(stores: Stores, _: Clock) -> None:
        ran.append(stores)

    job = Job("count", every_seconds=10.0, leader_only=False, run=count)
    monkeypatch.setattr("sidecar.app.build.JOBS", (*JOBS, job))
    world = World(SidecarConfig())
    async with world.tier() as tier:
        await tier.start(world.part("count").make())
        await world.clock.advance(25.0)
        assert world.value("sidecar_job_runs_total", job_name="count") == len(ran)
    assert ran[:2] == [world.stores] * 2


class Batches:
    """Stage that counts batches."""

    family = Family("sidecar_batches_total", MetricType.COUNTER, "Batches.")

    def __init__(self, _: StageContext) -> None:
        self._count = 0

    def feed(self, _: ObservedSpans) -> None:
        self._count += 1

    def samples(self, _: float) -> Iterator[FamilySamples]:
        yield FamilySamples(self.family, [Sample(self.family.name, (), self._count)])


def test_a_new_stage_is_fed_by_its_line_in_the_registry(
    monkeypatch: pytest.MonkeyPatch, span_of: Any, batch_of: Any
) -> None:
    monkeypatch.setattr("sidecar.app.stores.SPAN_STAGES", (*SPAN_STAGES, Batches))
    spans = World(SidecarConfig()).stores.spans.current
    spans.accept(batch_of(span_of()))
    assert values_of(spans.families(1000.0))["sidecar_batches_total"] == 1
