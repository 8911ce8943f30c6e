"""The shop as a child process of the demonstration."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO

import aiohttp

START_SECONDS = 20.0
STOP_SECONDS = 5.0
ASK_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """Where the shop listens and whom it talks to; the URLs may hold passwords and are not shown."""

    port: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    otlp_endpoint: str
    service_name: str = "shop"

    @property
    def url(self) -> str:
        """Return the base URL of the shop."""
        return f"http://127.0.0.1:{self.port}"


def shop_command() -> Sequence[str]:
    """Return the command that runs the shop; it wants `shop_environment`, and a pipe that stays open as its input."""
    return (sys.executable, "-m", "sidecar.demo.shop", "--with-parent")


def shop_environment(settings: ShopSettings) -> dict[str, str]:
    """Return the environment of the shop: ours, and what `settings` say. `otlp_endpoint` is a base URL (port 4318)."""
    return os.environ | {
        "PORT": str(settings.port),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": settings.service_name,
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.0.0,deployment.environment.name=demo",
    }


class ShopProcess:
    """The shop's process; it may be started again after it was stopped or killed, and ends with its parent."""

    def __init__(self, settings: ShopSettings, output: int | IO[bytes] | None = None) -> None:
        self.settings = settings
        self._output = output
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the shop and return when it answers; raise RuntimeError if it ends or stays silent instead."""
        self._process = await asyncio.create_subprocess_exec(
            *shop_command(),
            env=shop_environment(self.settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            # Ctrl-C reaches the demonstration only, which then ends its parts one after the other.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
                while not await _answers(session, self.settings.url):
                    if self._process.returncode is not None:
                        raise RuntimeError(f"the shop ended with exit code {self._process.returncode}")
                    await asyncio.sleep(ASK_EVERY_SECONDS)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """End the shop by SIGTERM, by SIGKILL if that takes too long; return when it is gone."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End the shop as a crash would; return when it is gone."""
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as response:
            return response.ok
    except aiohttp.ClientError:
        return False
