"""The stock, which the shop asks."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import services
import uvicorn
from fastapi import FastAPI, HTTPException

MOST = 7
shared = services.Shared()


@asynccontextmanager
async def connected(_: FastAPI) -> AsyncIterator[None]:
    """Connect to both servers."""
    async with shared.connected():
        yield


app = FastAPI(lifespan=connected)


@app.post("/taken/{number}")
async def take(number: int) -> None:
    """Take a book, if there is one."""
    await shared.postgres.fetchval("SELECT count(*) FROM authors WHERE id = $1", number)
    await shared.redis.get(f"order:{number}")
    if number > MOST:
        raise HTTPException(503, "no such book")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    services.serve(app, uvicorn.Config(app, port=int(os.environ["PORT"]), log_level="error"))
