"""An upstream to send to."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.unit.deliver.upstreams import FakeUpstream

Serve = Callable[[web.Application], Awaitable[TestServer]]


@pytest.fixture
def upstream() -> FakeUpstream:
    return FakeUpstream()


@pytest.fixture
async def url(upstream: FakeUpstream, aiohttp_server: Serve) -> str:
    return str((await aiohttp_server(upstream.app())).make_url("/"))
