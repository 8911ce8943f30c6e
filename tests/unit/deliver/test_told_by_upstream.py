"""What an upstream says may quote what the apps sent: it is logged masked."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from tests.unit.deliver.upstreams import FakeUpstream, Forwarding, answering


@pytest.fixture
async def server() -> AsyncIterator[tuple[FakeUpstream, str]]:
    upstream = FakeUpstream()
    async with TestServer(upstream.app()) as server:
        yield upstream, str(server.make_url("/"))


@pytest.mark.parametrize("status", [400, 503])
async def test_a_refusal_is_told_without_what_it_quotes(status: int, server: tuple[FakeUpstream, str]) -> None:
    upstream, url = server
    upstream.answer = answering(status, b"bad attribute: password=hunter2", "text/plain")
    async with Forwarding(endpoint=url).running() as forwarding:
        forwarding.accept("1")
        await forwarding.pass_until(lambda: bool(forwarding.events.seen))
    said = repr(forwarding.events.seen)
    assert "bad attribute" in said
    assert "hunter2" not in said
