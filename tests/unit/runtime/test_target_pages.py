"""Pages of single targets: the last scrape, encoded once and only for those who ask."""

import asyncio

import pytest

from sidecar.codec.exposition import Format
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.runtime.target_pages import TargetPages
from tests.fakes import FakeClock, settle

FAMILY = Family("x", MetricType.GAUGE, "")


def families(*values: float) -> list[FamilySamples]:
    return [FamilySamples(FAMILY, [Sample("x", (("n", str(n)),), value)]) for n, value in enumerate(values)]


@pytest.fixture
def targets() -> TargetPages:
    return TargetPages(FakeClock().monotonic)


async def text_of(targets: TargetPages, target: str = "redis/main") -> str:
    page = await targets.page(target)
    assert page is not None
    return page.render(Format.TEXT).decode().partition("gauge\n")[2]


async def test_page_is_that_of_the_last_scrape(targets: TargetPages) -> None:
    targets.put("redis/main", families(1))
    targets.put("redis/other", families(9))
    assert await text_of(targets) == 'x{n="0"} 1\n'
    targets.put("redis/main", families(2))
    assert await text_of(targets) == 'x{n="0"} 2\n'


async def test_page_is_made_once_for_all_who_ask(targets: TargetPages) -> None:
    targets.put("redis/main", families(1, 2, 3))
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(targets.page("redis/main")) for _ in range(50)]
    assert len({id(task.result()) for task in asked}) == 1
    assert await targets.page("redis/main") is asked[0].result()


async def test_scrape_that_ends_while_the_page_is_made_is_not_lost(targets: TargetPages) -> None:
    targets.put("redis/main", families(1, 1, 1))
    asking = asyncio.ensure_future(targets.page("redis/main"))
    await asyncio.sleep(0)
    targets.put("redis/main", families(2))
    assert await asking is not None
    assert await text_of(targets) == 'x{n="0"} 2\n'


async def test_one_who_goes_away_while_the_page_is_made_leaves_it_to_the_next(targets: TargetPages) -> None:
    targets.put("redis/main", families(1, 2))
    asking = asyncio.ensure_future(targets.page("redis/main"))
    await asyncio.sleep(0)
    asking.cancel()
    assert await text_of(targets) == 'x{n="0"} 1\nx{n="1"} 2\n'


async def test_all_who_wait_for_the_first_scrape_are_woken_by_it(targets: TargetPages) -> None:
    assert await targets.page("redis/main") is None
    waiting = [asyncio.ensure_future(targets.first_scrape("redis/main")) for _ in range(50)]
    await settle()
    assert not any(task.done() for task in waiting)
    targets.put("redis/main", families(1))
    await asyncio.wait(waiting, timeout=5)
    assert all(task.done() for task in waiting)
    await targets.first_scrape("redis/main")


async def test_target_that_ends_has_no_page_and_keeps_nobody_waiting(targets: TargetPages) -> None:
    waiting = asyncio.ensure_future(targets.first_scrape("redis/main"))
    await settle()
    targets.end("redis/main")
    await waiting
    targets.put("redis/main", families(1))
    targets.end("redis/main")
    assert await targets.page("redis/main") is None
