"""Answers kept in Redis for a few seconds."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

KEPT_SECONDS = 5
TIMEOUT_SECONDS = 0.5


class Cache:
    """JSON texts by key; while Redis is away every look-up is a miss."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def get_or_load(self, key: str, load: Callable[[], Awaitable[object]]) -> str:
        """Return the JSON text under `key`; if there is none, the text of what `load` returns, which is then kept.

        What `load` raises is passed on; None is returned as `null` and not kept.
        """
        text = await self._get(key)
        if text is None:
            loaded = await load()
            text = json.dumps(loaded)
            if loaded is not None:
                await self._keep(key, text)
        return text

    async def _get(self, key: str) -> str | None:
        try:
            value = await self._client.get(key)
        except (RedisError, OSError):
            return None
        return None if value is None else str(value)

    async def _keep(self, key: str, text: str) -> None:
        try:
            await self._client.set(key, text, ex=KEPT_SECONDS)
        except (RedisError, OSError):
            return


@asynccontextmanager
async def open_cache(url: str) -> AsyncIterator[Cache]:
    """Open the cache without connecting yet."""
    client = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        # Once again at once: a connection from before a restart fails only when it is used.
        retry=Retry(NoBackoff(), 1),
        # By default the client searches the file system for its own version, on the event loop.
        driver_info=None,
    )
    try:
        yield Cache(client)
    finally:
        await client.aclose()
