"""What the sidecar looks after while it is harmed: an app, servers that are well, and servers that never answer."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from typing_extensions import override

from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.conftest import ROOT
from tests.integration.servers import full_backlog, silent_listener
from tests.servers import HOST, Alertmanager, Program, free_port, get_text, samples_of
from tests.soak.faults.mount import HangingMount
from tests.soak.faults.names import DOMAIN, NameServer
from tests.soak.faults.sidecar import FakeClock, HarmedSidecar

CHECK_SECONDS, TIMEOUT_SECONDS = 1.0, 0.5
FAILURE_THRESHOLD, HANG_THRESHOLD = 3, 5
RESTART_GRACE_SECONDS = 4.0
DWELL_SECONDS = 5.0
PROTOBUF = {"Content-Type": "application/x-protobuf"}
TRAFFIC_SECONDS = 0.2
NAMED = 8
"""Targets by name, as many as there were when names that hung took all threads."""
TARGETS = """\
scrape_interval_seconds: 2
postgres:
  - {name: filed, dsn: "postgresql://postgres@127.0.0.1:${POSTGRES}/postgres", timeout_seconds: 3,
      password_file: "${MOUNT}/password"}
  - {name: silent, dsn: "postgresql://u:p@127.0.0.1:${SILENT}/x?sslmode=disable", timeout_seconds: 1}
  - {name: unreachable, dsn: "postgresql://u:p@127.0.0.1:${UNREACHABLE}/x", timeout_seconds: 1}
app_metrics: [{url: "${APP}/metrics", timeout_seconds: 3}]
forward: {endpoint: "${UPSTREAM}", timeout_seconds: 1}
state: {path: "${STATE}"}
alertmanagers: [{url: "${ALERTMANAGER}", timeout_seconds: 1}]
rules: {files: ["${MOUNT}/always.rules.yml"], evaluation_interval_seconds: 1, resend_delay_seconds: 1}
redis:
  - {name: literal, url: "redis://127.0.0.1:${REDIS}/0", timeout_seconds: 3}
"""
BY_NAME = "".join(
    f'  - {{name: named{number}, url: "redis://redis{number}.{DOMAIN}:${{REDIS}}/0", timeout_seconds: 3}}\n'
    for number in range(NAMED)
)
PROBES = f"""\
probes:
  settle_seconds: 0
  failure_threshold: {FAILURE_THRESHOLD}
  hang_threshold: {HANG_THRESHOLD}
  restart_grace_seconds: {RESTART_GRACE_SECONDS}
  minimum_dwell_seconds: {DWELL_SECONDS}
  checks:
    - {{name: http, url: "${{APP}}/health", interval_seconds: {CHECK_SECONDS}, timeout_seconds: {TIMEOUT_SECONDS}}}
    - {{name: tcp, kind: tcp, address: "127.0.0.1:${{APP_TCP}}", interval_seconds: {CHECK_SECONDS},
       timeout_seconds: {TIMEOUT_SECONDS}}}
"""
CONFIG = TARGETS + BY_NAME + PROBES
RULES = b"groups: [{name: always, rules: [{alert: Always, expr: vector(1)}]}]\n"
WELL = ("postgres/filed", "redis/literal", *(f"redis/named{number}" for number in range(NAMED)), "app/app")


@dataclass(frozen=True)
class Cores:
    """Where the sidecar and the control server run, and where all others do."""

    sidecar: int
    others: int

    @classmethod
    def chosen(cls) -> "Cores":
        """Take the first two of this machine, and go to the second."""
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2 or os.geteuid() != 0:
            raise SystemExit("this soak needs two cores, and root for mounts, names and priorities")
        os.sched_setaffinity(0, {cores[1]})
        return cls(*cores[:2])


class Server(Program):
    """The app, or what probes are compared with: it answers at once, at two ports."""

    def __init__(self, directory: Path, name: str, core: int) -> None:
        super().__init__(directory)
        self.name = name
        self.tcp_port = free_port()
        self._core = core

    @override
    def spawn(self) -> None:
        ports = (str(self.port), str(self.tcp_port))
        words = [sys.executable, "-m", "tests.soak.faults.server", str(self._core), *ports]
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL)


class Upstream:
    """Takes what is forwarded; while it does not `speak` it reads and answers nothing."""

    def __init__(self) -> None:
        self.speaks = asyncio.Event()
        self.speaks.set()
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0)
        self.port = free_port()

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.speaks.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        async for _ in request.content.iter_any():
            pass
        await self.speaks.wait()
        return web.Response()


@dataclass
class World:
    """All of it; `core` is that of the sidecar."""

    folder: Path
    cores: Cores
    mount: HangingMount
    names: NameServer
    app: Server
    control: Server
    postgres: PostgresServer
    redis: ValkeyServer
    alertmanager: Alertmanager
    upstream: Upstream
    sidecar: HarmedSidecar
    under_way: set[str] = field(default_factory=set)
    """Names of the faults at this moment."""

    async def metrics(self) -> Mapping[str, float]:
        """Return what is on /metrics."""
        async with asyncio.timeout(30):
            return samples_of((await get_text(f"{self.sidecar.url}/metrics"))[1])

    async def is_well(self) -> bool:
        """Whether nothing of a fault is left."""
        try:
            return not ailments(await self.metrics())
        except (OSError, TimeoutError):
            return False


def ailments(metrics: Mapping[str, float]) -> list[str]:
    """Return what shows on /metrics that something is wrong, in words."""
    well = {}
    for kind, _, target in (name.partition("/") for name in WELL):
        well[f'sidecar_target_up{{kind="{kind}",target="{target}"}}'] = 1.0
    well |= {'sidecar_threads_given_up{pool="files"}': 0.0, 'sidecar_threads_given_up{pool="names"}': 0.0}
    well["sidecar_config_last_reload_successful"] = 1.0
    well["sidecar_otlp_forward_upstream_up"] = 1.0
    return [f"{name} is {metrics.get(name)}" for name, value in well.items() if metrics.get(name) != value]


async def _traffic(url: str) -> None:
    """Be an app that is traced, for good."""
    body = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[Span(trace_id=b"t" * 16, span_id=b"s" * 8)])])]
    ).SerializeToString()
    async with ClientSession(timeout=ClientTimeout(total=2)) as session:
        while True:
            with suppress(ClientError, TimeoutError):
                await (await session.post(f"{url}/v1/traces", data=body, headers=PROTOBUF)).read()
            await asyncio.sleep(TRAFFIC_SECONDS)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Start everything; end it afterwards, whatever state it is in."""
    cores = Cores.chosen()
    async with AsyncExitStack() as stack:
        mount = HangingMount({"password": b"", "always.rules.yml": RULES})
        stack.callback(mount.close)
        names = NameServer()
        (folder / "sidecar").mkdir()
        await names.open()
        stack.callback(names.close)
        upstream = await stack.enter_async_context(Upstream())
        silent = await stack.enter_async_context(silent_listener())
        unreachable = stack.enter_context(full_backlog())
        app = stack.enter_context(Server(folder, "app", cores.others))
        control = stack.enter_context(Server(folder, "control", cores.sidecar))
        postgres = stack.enter_context(PostgresServer(postgres_18_bin_dir()))
        redis = stack.enter_context(ValkeyServer())
        (folder / "alertmanager").mkdir()
        alertmanager = stack.enter_context(Alertmanager(folder / "alertmanager"))
        mount.contents["password"] = postgres.password.encode()
        ports: dict[str, object] = {
            "POSTGRES": postgres.port,
            "REDIS": redis.port,
            "SILENT": silent,
            "UNREACHABLE": unreachable,
            "APP": app.url,
            "APP_TCP": app.tcp_port,
            "UPSTREAM": f"http://{HOST}:{upstream.port}",
            "ALERTMANAGER": alertmanager.url,
            "STATE": folder / "state.db",
            "MOUNT": folder / "sidecar" / "mount",
        }
        env = {name: str(value) for name, value in ports.items()}
        sidecar = HarmedSidecar(folder / "sidecar", CONFIG, env, mount, FakeClock(folder), cores.sidecar)
        await asyncio.to_thread(sidecar.start)
        stack.callback(sidecar.stop)
        yield World(folder, cores, mount, names, app, control, postgres, redis, alertmanager, upstream, sidecar)


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that it started and they did, as far as they are still there."""
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from family(int(child))
