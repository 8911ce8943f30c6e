"""The pod listener: routes, codes and the API server's text format."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer, TestClient, make_mocked_request

from sidecar.api.probes.pod import PodHandler
from sidecar.probe.board import Line, Verdict

Client: TypeAlias = TestClient[Any, Any]


PATHS = ["/livez", "/livez/self", "/readyz", "/readyz/self", "/startupz", "/health/live", "/health/ready", "/healthz"]


class FakeProbes:
    """Verdicts that a test sets."""

    def __init__(self) -> None:
        self.verdict = Verdict((Line("sidecar", True), Line("app", True)))

    def verdict_at(self, path: str) -> Verdict | None:
        return self.verdict if path in PATHS else None


@pytest.fixture
def probes() -> FakeProbes:
    return FakeProbes()


@pytest.fixture
def handler(probes: FakeProbes) -> PodHandler:
    return PodHandler(probes)


@pytest.fixture
async def client(
    handler: PodHandler,
    aiohttp_raw_server: Callable[[PodHandler], Awaitable[RawTestServer]],
    aiohttp_client: Callable[[RawTestServer], Awaitable[Client]],
) -> Client:
    return await aiohttp_client(await aiohttp_raw_server(handler))


@pytest.mark.parametrize("path", PATHS)
async def test_a_probe_is_200_or_503_and_never_cached(client: Client, probes: FakeProbes, path: str) -> None:
    good = await client.get(path)
    probes.verdict = Verdict((Line("app", False, "secret reason"),))
    bad = await client.get(path)
    assert (good.status, bad.status) == (200, 503)
    assert good.headers["Cache-Control"] == bad.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_verbose_tells_loopback_the_reasons(handler: PodHandler, probes: FakeProbes, host: str) -> None:
    probes.verdict = Verdict((Line("sidecar", True), Line("app", False, "answered HTTP 503")))
    assert await verbose_text(handler, host) == "[+]sidecar ok\n[-]app failed: answered HTTP 503\nreadyz check failed\n"


@pytest.mark.parametrize("host", ["10.0.0.7", "127.0.0.6", "fd00::7", "::ffff:10.0.0.7", None])
async def test_verbose_withholds_the_reasons_from_others(
    handler: PodHandler, probes: FakeProbes, host: str | None
) -> None:
    probes.verdict = Verdict((Line("sidecar", True), Line("app", False, "answered HTTP 503")))
    assert await verbose_text(handler, host) == "[+]sidecar ok\n[-]app failed: reason withheld\nreadyz check failed\n"


async def verbose_text(handler: PodHandler, host: str | None) -> str | None:
    """Return the answer to one who asks from `host`."""
    response = await handler(make_mocked_request("GET", "/readyz?verbose").clone(remote=host or ""))
    assert isinstance(response, web.Response)
    return response.text


async def test_an_excluded_check_does_not_decide(client: Client, probes: FakeProbes) -> None:
    probes.verdict = Verdict((Line("sidecar", True), Line("app", False)))
    response = await client.get("/readyz?exclude=app&verbose")
    assert response.status == 200
    assert "[+]app excluded: ok" in await response.text()


async def test_one_check_answers_alone_and_an_unknown_one_is_404(client: Client, probes: FakeProbes) -> None:
    probes.verdict = Verdict((Line("sidecar", True), Line("app", False)))
    codes = [(await client.get(path)).status for path in ("/readyz/sidecar", "/readyz/app", "/readyz/nope")]
    assert codes == [200, 503, 404]


@pytest.mark.parametrize("path", ["/metrics", "/probe", "/scrape"])
async def test_pages_are_503_until_they_are_plugged_in(client: Client, handler: PodHandler, path: str) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(text=request.path_qs)

    early = await client.get(path)
    assert (early.status, early.headers["Cache-Control"]) == (503, "no-store")
    handler.plug_in(answer, answer)
    assert await (await client.get(f"{path}?target=main")).text() == f"{path}?target=main"


async def test_other_methods_and_paths_are_refused(client: Client) -> None:
    assert (await client.post("/livez")).status == 405
    assert (await client.get("/")).status == 404
    assert (await client.get("/metrics/x")).status == 404
