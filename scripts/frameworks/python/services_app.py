"""A shop that asks the stock, a second process, over HTTP; both ask one Postgres and one Redis."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import services
import uvicorn
from fastapi import FastAPI

STOCK = Path(__file__).with_name("services_stock.py")


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


stock_port = free_port()
shared = services.Shared()


@asynccontextmanager
async def beside_stock(_: FastAPI) -> AsyncIterator[None]:
    """Run the stock as long as the shop."""
    environment = {**os.environ, "PORT": str(stock_port), "OTEL_SERVICE_NAME": "stock"}
    with subprocess.Popen([sys.executable, STOCK], env=environment) as stock:  # noqa: ASYNC220 - it starts no loop
        await asyncio.to_thread(wait_for, stock_port)
        async with shared.connected():
            yield
        stock.terminate()


def wait_for(port: int) -> None:
    """Return when something listens."""
    with socket.socket() as connection:
        while connection.connect_ex(("127.0.0.1", port)):
            signal.sigtimedwait((), 0.05)


app = FastAPI(lifespan=beside_stock)


@app.post("/orders/{number}")
async def order(number: int) -> int:
    """Look for a book, take it out of the stock, and remember who ordered it."""
    await shared.postgres.fetchval("SELECT title FROM books WHERE id = $1", number)
    async with httpx.AsyncClient() as client:
        taken = await client.post(f"http://localhost:{stock_port}/taken/{number}")
    await shared.redis.set(f"order:{number}", taken.status_code)
    return taken.status_code


@app.post("/payments")
async def pay() -> str:
    """Try twice to ask somebody who is not there."""
    async with httpx.AsyncClient() as client:
        for _ in range(2):
            try:
                await client.post("http://localhost:9/payments")
            except httpx.ConnectError:
                continue
    return "later"


@app.get("/own")
async def own() -> int:
    """Ask oneself."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://localhost:{os.environ['PORT']}/nothing")
    return answer.status_code


@app.get("/nothing")
async def nothing() -> None:
    """Answer."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # uvicorn raises it again when it has stopped
    services.serve(app, uvicorn.Config(app, port=int(os.environ["PORT"]), log_level="error"))
