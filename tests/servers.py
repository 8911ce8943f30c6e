"""Real programs around the sidecar, for tests: the sidecar itself, Prometheus and Alertmanager, on random ports."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import aiohttp
import pytest
from typing_extensions import override

from sidecar.demo.ports import HOST as HOST
from sidecar.demo.ports import free_port as free_port
from tests.conftest import ROOT

START_SECONDS = 40.0
T = TypeVar("T")


def tool(name: str) -> Path:
    """Return a program that `scripts/setup test` unpacks; skip the test where it is absent."""
    found = os.environ.get(name.upper().replace("-", "_")) or shutil.which(name) or ROOT / ".tools/usr/bin" / name
    if not Path(found).exists():
        pytest.skip(f"{name} is not here: scripts/setup test unpacks it")
    return Path(found)


class Program:
    """A child process with a log; it ends with the `with` block."""

    name = "program"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def rss_mb(self) -> float:
        """Its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    @property
    def log(self) -> str:
        """What it wrote on standard output and error."""
        return (self.directory / f"{self.name}.log").read_text(errors="replace")

    def command(self) -> Sequence[str]:
        """Return what to run."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return its environment."""
        return os.environ

    def ready_url(self) -> str:
        """Return the URL that answers 200 once it is up."""
        return f"{self.url}/-/ready"

    def spawn(self) -> None:
        """Start it, without waiting."""
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment(),
                cwd=self.directory,
            )

    def start(self) -> None:
        """Start it and return when it answers."""
        self.spawn()
        self.wait()

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.ready_url()):
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"{self.name} did not come up:\n{self.log[-4000:]}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


class Sidecar(Program):
    """`sidecar run` with a configuration; listener ports are filled in as ${POD}, ${API}, ${OTLP}, ${OTLP_GRPC}.

    Its API changes things with `ADMIN` true in `env`.
    """

    name = "sidecar"

    def __init__(self, directory: Path, config: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__(directory)
        self.api_port, self.otlp_port, self.otlp_grpc_port = free_port(), free_port(), free_port()
        self.config_path = directory / "sidecar.yaml"
        self.config_path.write_text(LISTENERS + config)
        self._env = dict(env or {})

    @override
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "sidecar", "run", "--config", str(self.config_path)]

    @override
    def environment(self) -> Mapping[str, str]:
        ports = {"POD": self.port, "API": self.api_port, "OTLP": self.otlp_port, "OTLP_GRPC": self.otlp_grpc_port}
        return os.environ | {name: str(port) for name, port in ports.items()} | self._env

    @override
    def ready_url(self) -> str:
        return f"{self.url}/readyz/self"

    @property
    def otlp_url(self) -> str:
        """Base URL of the OTLP/HTTP receiver."""
        return f"http://{HOST}:{self.otlp_port}"

    @property
    def page_url(self) -> str:
        """URL of the built-in page."""
        return f"http://{HOST}:{self.api_port}/"


LISTENERS = """\
pod: {listen: "127.0.0.1:${POD}"}
api: {listen: "127.0.0.1:${API}", admin: "${ADMIN:-false}"}
otlp: {http: {listen: "127.0.0.1:${OTLP}"}, grpc: {listen: "127.0.0.1:${OTLP_GRPC}"}}
shutdown: {drain_delay_seconds: 0}
"""


class Prometheus(Program):
    """Prometheus scraping `targets` every second."""

    name = "prometheus"

    def __init__(self, directory: Path, targets: Sequence[str]) -> None:
        super().__init__(directory)
        (directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n"
            f"scrape_configs: [{{job_name: sidecar, static_configs: [{{targets: {list(targets)}}}]}}]\n"
        )

    @override
    def command(self) -> Sequence[str]:
        return [
            str(tool("prometheus")),
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address={HOST}:{self.port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result vector of an instant query."""
        answer = await get_json(f"{self.url}/api/v1/query", query=expression)
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    async def value(self, expression: str) -> float:
        """Return the value of an instant query that gives exactly one sample."""
        (sample,) = await self.query(expression)
        return float(sample["value"][1])


class Alertmanager(Program):
    """Alertmanager without receivers that matter."""

    name = "alertmanager"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        (directory / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")

    @override
    def command(self) -> Sequence[str]:
        return [
            str(tool("prometheus-alertmanager")),
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address={HOST}:{self.port}",
            "--cluster.listen-address=",
        ]

    async def active(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that fire, by name."""
        alerts = await get_json(f"{self.url}/api/v2/alerts", active="true")
        return {alert["labels"]["alertname"]: alert for alert in alerts}


async def get_json(url: str, **params: str) -> Any:
    """Return the JSON that `url` answers."""
    async with aiohttp.ClientSession() as session, session.get(url, params=params) as response:
        return await response.json()


async def get_text(url: str) -> tuple[int, str]:
    """Return status and body of `url`."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def eventually(ask: Callable[[], Awaitable[T]], good: Callable[[T], bool] = bool, seconds: float = 40.0) -> T:
    """Ask until the answer is `good` and return it; an AssertionError or ValueError of `ask` counts as not yet."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            answer = await ask()
            if good(answer):
                return answer
            last = answer
        except (AssertionError, ValueError, aiohttp.ClientError) as error:
            last = error
        await asyncio.sleep(0.1)
    raise AssertionError(f"not within {seconds:g} s; last: {last!r:.2000}")


def samples_of(text: str) -> dict[str, float]:
    """Return the samples of an exposition by their full text, labels included."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
