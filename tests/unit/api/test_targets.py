"""/probe: which target is meant, what is refused and how, and how long a first scrape is waited for."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import RawTestServer, TestClient

from sidecar.api import targets as targets_module
from sidecar.api.targets import TIMEOUT_HEADER, TargetHandler
from sidecar.codec.exposition import Format
from tests.fakes import until

Client: TypeAlias = TestClient[Any, Any]

CANARY = "c4nary"


class FakePage:
    """A page that is its own name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def render(self, form: Format) -> bytes:
        return f"{self._name} {form.name}".encode()

    def render_gzip(self, form: Format) -> bytes:
        return gzip.compress(self.render(form))

    async def prepare(self, form: Format, *, compressed: bool) -> None:
        return


class FakeTargets:
    """Configured targets, and pages of those that were scraped."""

    def __init__(self) -> None:
        self.timeouts = {"postgres/main": 10.0, "redis/main": 10.0, "redis/cache": 10.0, "redis/slow": 0.01}
        self.pages = {name: FakePage(name) for name in ("postgres/main", "redis/main", "redis/cache")}
        self.finished = asyncio.Event()
        self.waiting = 0

    async def first_scrape(self, target: str) -> None:
        self.waiting += 1
        try:
            await self.finished.wait()
        finally:
            self.waiting -= 1

    async def page(self, target: str) -> FakePage | None:
        return self.pages.get(target)


class Probe:
    """GET /probe, and how often it failed."""

    def __init__(self, client: Client, failures: list[None]) -> None:
        self._client = client
        self.failures = failures

    async def get(self, query: str, **headers: str) -> ClientResponse:
        response: ClientResponse = await self._client.get(f"/probe{query}", headers=headers)
        await response.read()
        return response

    async def answer(self, query: str, **headers: str) -> tuple[int, str]:
        response = await self.get(query, **headers)
        return response.status, await response.text()


@pytest.fixture
def targets() -> FakeTargets:
    return FakeTargets()


@pytest.fixture
async def probe(
    targets: FakeTargets,
    aiohttp_raw_server: Callable[[TargetHandler], Awaitable[RawTestServer]],
    aiohttp_client: Callable[[RawTestServer], Awaitable[Client]],
) -> Probe:
    failures: list[None] = []
    handler = TargetHandler(targets, lambda: failures.append(None))
    return Probe(await aiohttp_client(await aiohttp_raw_server(handler)), failures)


async def test_name_alone_is_enough_when_one_target_has_it_and_the_whole_name_always_is(probe: Probe) -> None:
    assert await probe.answer("?target=cache") == (200, "redis/cache TEXT")
    assert await probe.answer("?target=redis/main") == (200, "redis/main TEXT")
    assert await probe.answer("?target=postgres%2Fmain") == (200, "postgres/main TEXT")
    assert probe.failures == []


async def test_format_and_encoding_are_chosen_as_on_metrics(probe: Probe) -> None:
    headers = {"Accept": "application/openmetrics-text;version=1.0.0", "Accept-Encoding": "gzip"}
    response = await probe.get("?target=cache", **headers)
    assert await response.text() == "redis/cache OPENMETRICS"
    assert response.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 400, "say which target: /probe?target=NAME\n"),
        ("?target=", 400, "say which target: /probe?target=NAME\n"),
        ("?target=main&target=cache", 400, "say which target: /probe?target=NAME\n"),
        ("?target=main", 400, "several targets have that name, say which: postgres/main, redis/main\n"),
        (
            "?target=nope",
            404,
            "no target of that name is configured; there are: postgres/main, redis/cache, redis/main, redis/slow\n",
        ),
        (
            "?target=cache&auth_module=x",
            400,
            "there is no parameter `auth_module`: what is scraped, and how, is configured\n",
        ),
        (
            "?target=cache&check-keys=*",
            400,
            "there is no parameter `check-keys`: what is scraped, and how, is configured\n",
        ),
        ("?sslmode=disable", 400, "there is no parameter `sslmode`: what is scraped, and how, is configured\n"),
    ],
)
async def test_what_is_not_one_configured_name_is_refused_and_counted(
    probe: Probe, query: str, status: int, text: str
) -> None:
    assert await probe.answer(query) == (status, text)
    assert len(probe.failures) == 1


@pytest.mark.parametrize(
    "query",
    [
        f"?target=postgresql://app:{CANARY}@db:5432/shop",
        f"?target=redis://:{CANARY}@cache:6379",
        "?target=cache:6379",
        "?target=/cache",
        "?target=redis/",
        "?target=REDIS/cache",
        f"?postgresql://app:{CANARY}@db",
        f"?target=cache&password={CANARY}",
        f"?target=host=db%20password={CANARY}",
        "?target=cache%0d%0aX-Evil:%201",
        f"?target={'x' * 4000}",
    ],
)
async def test_hosts_urls_and_passwords_are_unknown_names_and_never_said_back(probe: Probe, query: str) -> None:
    status, text = await probe.answer(query)
    assert status in {400, 404}
    assert CANARY not in text
    assert "xxx" not in text


async def test_without_any_target_that_is_what_is_said(probe: Probe, targets: FakeTargets) -> None:
    targets.timeouts = {}
    assert await probe.answer("?target=x") == (404, "no target of that name is configured; there are none\n")


async def test_refusals_are_not_kept_by_caches(probe: Probe) -> None:
    assert (await probe.get("?target=nope")).headers["Cache-Control"] == "no-store"


async def test_first_scrape_is_waited_for_by_many_at_once(probe: Probe, targets: FakeTargets) -> None:
    del targets.pages["redis/cache"]
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(probe.answer("?target=cache")) for _ in range(50)]
        await until(lambda: targets.waiting == 50)
        targets.pages["redis/cache"] = FakePage("late")
        targets.finished.set()
    assert {task.result() for task in asked} == {(200, "late TEXT")}


@pytest.mark.parametrize("allowed", ["0.51", "0.2"])
async def test_scraper_that_waits_no_longer_is_told_so_before(probe: Probe, targets: FakeTargets, allowed: str) -> None:
    del targets.pages["redis/cache"]
    answer = await probe.answer("?target=cache", **{TIMEOUT_HEADER: allowed})
    assert answer == (503, "the first scrape of `redis/cache` has not ended yet\n")
    assert len(probe.failures) == 1
    assert targets.waiting == 0


@pytest.mark.parametrize("headers", [{}, *({TIMEOUT_HEADER: text} for text in ("soon", "nan", "inf", "-1", "0", ""))])
async def test_deadline_is_that_of_the_target_when_the_scraper_names_none(
    probe: Probe, headers: dict[str, str]
) -> None:
    answer = await probe.answer("?target=slow", **headers)
    assert answer == (503, "the first scrape of `redis/slow` has not ended yet\n")


async def test_target_that_was_scraped_is_answered_at_once_whatever_the_scraper_allows(probe: Probe) -> None:
    assert await probe.answer("?target=cache", **{TIMEOUT_HEADER: "0.001"}) == (200, "redis/cache TEXT")


async def test_target_that_goes_while_somebody_waits_is_404(probe: Probe, targets: FakeTargets) -> None:
    del targets.pages["redis/cache"]
    targets.finished.set()
    assert await probe.answer("?target=cache") == (404, "`redis/cache` is not configured any more\n")


async def test_there_may_not_be_more_who_wait_than_leaves_room_for_others(
    probe: Probe, targets: FakeTargets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets_module, "MOST_WAITING", 2)
    del targets.pages["redis/cache"]
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(probe.answer("?target=cache")) for _ in range(2)]
        await until(lambda: targets.waiting == 2)
        assert await probe.answer("?target=cache") == (503, "too many requests wait for a first scrape\n")
        targets.pages["redis/cache"] = FakePage("late")
        targets.finished.set()
    assert [task.result()[0] for task in asked] == [200, 200]
    assert (await probe.answer("?target=cache"))[0] == 200


async def test_one_who_goes_away_waits_no_longer(probe: Probe, targets: FakeTargets) -> None:
    del targets.pages["redis/cache"]
    asking = asyncio.ensure_future(probe.answer("?target=cache"))
    await until(lambda: targets.waiting == 1)
    asking.cancel()
    await until(lambda: targets.waiting == 0)
    assert probe.failures == []
