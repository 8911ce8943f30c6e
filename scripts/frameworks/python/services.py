"""What both services are made of: tracing, and connections to one Postgres and one Redis."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"

import asyncpg
import redis.asyncio
import telemetry
import uvicorn
from fastapi import FastAPI
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation

EXPORT_REST = telemetry.start()


class Shared:
    """Both servers."""

    postgres: Any
    redis: Any

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Connect, untraced, as long as it is needed."""
        with suppress_instrumentation():
            self.postgres = await asyncpg.connect(os.environ["DATABASE_URL"])
            self.redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
            await self.redis.ping()
        yield
        with suppress_instrumentation():
            await self.redis.aclose()
            await self.postgres.close()


def serve(app: FastAPI, config: uvicorn.Config) -> None:
    """Serve `app` until SIGTERM."""
    AsyncPGInstrumentor().instrument()
    RedisInstrumentor().instrument()
    HTTPXClientInstrumentor().instrument()
    FastAPIInstrumentor.instrument_app(app)
    try:
        uvicorn.Server(config).run()
    finally:
        EXPORT_REST()
