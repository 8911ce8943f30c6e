"""The sidecar as a child process, beside the shop, as in a pod; it ends with this process at the latest."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import NoReturn

import aiohttp

from sidecar.app.shipped import shipped
from sidecar.demo.watcher import Watcher
from sidecar.model.errors import OperatorError

START_SECONDS = 20.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """Where the sidecar listens and what it looks at; the URLs may hold passwords and are not shown."""

    pod_port: int
    api_port: int
    otlp_port: int
    otlp_grpc_port: int
    app_url: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    redis_replica_url: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """Return the variables that the shipped demo configuration refers to, with ours."""
        return os.environ | {
            "SIDECAR_LISTEN": f"127.0.0.1:{self.pod_port}",
            "SIDECAR_API_LISTEN": f"127.0.0.1:{self.api_port}",
            "SIDECAR_OTLP_LISTEN": f"127.0.0.1:{self.otlp_port}",
            "SIDECAR_OTLP_GRPC_LISTEN": f"127.0.0.1:{self.otlp_grpc_port}",
            "SIDECAR_APP_URL": self.app_url,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "REDIS_REPLICA_URL": self.redis_replica_url,
        }


class SidecarProcess:
    """The sidecar's process with the shipped demo configuration."""

    def __init__(self, settings: SidecarSettings) -> None:
        self.settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: Watcher | None = None

    async def start(self) -> None:
        """Start it and return when /livez answers; raise OperatorError if it ends or stays silent instead."""
        config = shipped("config/examples/demo.yaml")
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sidecar", "run", "--config", str(config)),
            env=self.settings.environment(),
            start_new_session=True,
        )
        self._watcher = Watcher(self._process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
                while not await self._is_live(session):  # noqa: ASYNC110 - another process cannot set an Event
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            await self.stop()
            raise OperatorError(f"the sidecar did not answer within {START_SECONDS:g} s") from None
        except BaseException:
            await self.stop()
            raise

    async def fail_when_it_ends(self) -> NoReturn:
        """Raise OperatorError as soon as it ends by itself; it must have been started."""
        assert self._process is not None
        await self._process.wait()
        raise _ended(self._process)

    async def stop(self) -> None:
        """End it in good order, by force if that takes too long."""
        process, self._process = self._process, None
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.dismiss()
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _is_live(self, session: aiohttp.ClientSession) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise _ended(self._process)
        try:
            async with session.get(f"http://127.0.0.1:{self.settings.pod_port}/livez") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


def _ended(process: asyncio.subprocess.Process) -> OperatorError:
    return OperatorError(f"the sidecar ended with exit code {process.returncode}")
