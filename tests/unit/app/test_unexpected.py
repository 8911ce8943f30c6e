"""An exception that nobody expects, in every part of a process that has everything configured.

At start it is the reason why the start fails, and the part can be started then. At work the part goes on, it is
reported, and no other part notices. While stopping it holds nothing up. In all of it no body is lost uncounted.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from sidecar.app.build import build_parts, build_stores
from sidecar.app.files import load_good_files
from sidecar.app.foundation import lay_foundation
from sidecar.app.reload import Part, TierName
from sidecar.app.source import ConfigSource
from sidecar.demo.ports import free_port
from sidecar.model.forward import PROTOBUF, ForwardBody
from sidecar.probe.groups import READY_SELF
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.component import Component
from sidecar.runtime.events import ComponentFailed, ComponentFailedToStop
from sidecar.runtime.lifecycle import Tier, open_tier
from tests.fakes import FakeClock, RecordedEvents, until

pytestmark = pytest.mark.alone("everything at once, fifty times as fast")

HURRY = 50
EVERYTHING = """
pod: {{listen: "127.0.0.1:0"}}
api: {{listen: "127.0.0.1:0"}}
postgres: [{{dsn: "postgresql://u@127.0.0.1:{port}/d"}}]
redis: [{{url: "redis://127.0.0.1:{port}"}}]
app_metrics: [{{url: "http://127.0.0.1:{port}/metrics"}}]
otlp: {{http: {{listen: "127.0.0.1:0"}}, grpc: {{listen: "127.0.0.1:{grpc_port}"}}}}
forward: {{endpoint: "http://127.0.0.1:{port}", spill_max_bytes: 100000, queue_max_bytes: 10000}}
state: {{path: "{folder}/state.db"}}
probes:
  checks:
    - {{name: http, url: "http://127.0.0.1:{port}/"}}
    - {{name: tcp, kind: tcp, address: "127.0.0.1:{port}"}}
rules: {{files: [rules.yml]}}
alertmanagers: [{{url: "http://127.0.0.1:{port}"}}]
telemetry: {{endpoint: "http://127.0.0.1:{port}", timeout_seconds: 0.1}}
"""
RULES = 'groups: [{name: g, interval: 1s, rules: [{record: "a:b", expr: "1"}, {alert: A, expr: "1"}]}]'
PARTS = {
    "watchdog", "pod", "local", "telemetry", "state", "forward", "rules", "watch", "traces", "self",
    "otlp_http", "otlp_grpc", "probe/http", "probe/tcp", "postgres/postgres", "redis/redis", "app/app",
}  # fmt: skip


class InjectedError(Exception):
    """What nobody expects."""


class HurriedClock(FakeClock, SystemClock):
    """The machine's clock, on which nobody sleeps for long."""

    @override
    def now(self) -> float:
        return SystemClock.now(self)

    @override
    def monotonic(self) -> float:
        return SystemClock.monotonic(self)

    @override
    def elapsed(self) -> float:
        return SystemClock.elapsed(self)

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)


@dataclass
class Watched:
    """A part that runs, how often it was ready since it was kept from it, and the tasks that are its own."""

    part: Part
    tier: Tier
    unready: int = 0
    readies: int = 0
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def start(self) -> None:
        before = asyncio.all_tasks()
        component = self.part.make()
        self._watch(component)
        await self.tier.start(component)
        await asyncio.sleep(0.01)
        self.tasks = {task for task in asyncio.all_tasks() - before if _is_ours(task)}

    def _watch(self, component: Component) -> None:
        run = component.run

        async def watched(ready: Callable[[], None]) -> None:
            def on_ready() -> None:
                if self.unready:
                    self.unready -= 1
                    self.readies = 0
                    raise InjectedError(self.part.name)
                ready()
                self.readies += 1
                self.tasks |= {task for task in asyncio.all_tasks() if task.get_name() == self.part.name}

            await run(on_ready)

        component.run = watched  # type: ignore[method-assign]

    def inject(self) -> bool:
        """Have what each task of the part waits for fail; return whether anything was waited for."""
        waits = [future for task in self._alive() for future in _waited_for(task)]
        for future in waits:
            future.set_exception(InjectedError(self.part.name))
        return bool(waits)

    def _alive(self) -> Collection[asyncio.Task[Any]]:
        return [task for task in self.tasks if not task.done()]


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "/sidecar/" in code.co_filename and not task.get_name().startswith("supervisor of ")


def _waited_for(task: asyncio.Task[Any]) -> Iterator[asyncio.Future[Any]]:
    future = getattr(task, "_fut_waiter", None)
    if future is not None and not isinstance(future, asyncio.Task) and not future.done():
        yield future


class Everything:
    """A process with everything configured, part by part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HurriedClock()
        self.events = RecordedEvents(self.clock)
        config_file = folder / "sidecar.yaml"
        grpc_port = free_port()  # gRPC opens its own socket
        config_file.write_text(EVERYTHING.format(port=free_port(), grpc_port=grpc_port, folder=folder))
        (folder / "rules.yml").write_text(RULES)
        self.source = ConfigSource(config_file, {})
        self.located = self.source.read()
        self.base = replace(lay_foundation(self.located.config, self.clock), events=self.events)
        self.base.board.start()
        self.registry = self.base.meter.registry
        self.stores = build_stores(self.located.config, self.base)
        self.watched: dict[str, Watched] = {}

    def make_parts(self, tiers: dict[TierName, Tier]) -> None:
        files = load_good_files(self.source, self.located)
        parts = build_parts(self.located.config, files, self.source, self.stores, self.base)
        self.watched = {part.name: Watched(part, tiers[part.tier]) for part in sorted(parts, key=lambda it: it.tier)}

    def accept(self, count: int) -> None:
        for number in range(count):
            self.stores.forwards.accept(ForwardBody("traces", PROTOBUF, b"%d" % number))

    def failures(self, kind: type[ComponentFailed | ComponentFailedToStop] = ComponentFailed) -> list[str]:
        return [event.component for event in self.events.seen if isinstance(event, kind)]

    def dropped(self) -> float:
        name = "sidecar_otlp_forward_dropped_requests_total"
        return sum(
            sample.value for family in self.registry.collect() for sample in family.samples if sample.name == name
        )

    def on_disk(self) -> int:
        """Return how many bodies the file would have if the process were gone now."""
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(f"{self.folder}/state.db{suffix}", f"{self.folder}/copy.db{suffix}")
        connection = sqlite3.connect(self.folder / "copy.db")
        try:
            (count,) = connection.execute("SELECT count(*) FROM spilled").fetchone()
            return int(count)
        finally:
            connection.close()


@pytest.fixture
def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Everything:
    monkeypatch.setattr("sidecar.deliver.telemetry.component.FLUSH_SECONDS", 0.1)
    monkeypatch.setattr("sidecar.app.stores.platform_collectors", lambda _: None)  # they read files on the loop
    return Everything(tmp_path)


@pytest.fixture(autouse=True)
def _quiet_asyncio() -> Iterator[None]:
    """Have asyncio not tell of a wait whose result is set though it has failed already."""
    logging.getLogger("asyncio").disabled = True
    yield
    logging.getLogger("asyncio").disabled = False


@asynccontextmanager
async def open_tiers(everything: Everything) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        tiers = {
            name: await stack.enter_async_context(open_tier(everything.clock, everything.events)) for name in TierName
        }
        await asyncio.to_thread(everything.make_parts, tiers)
        yield


@asynccontextmanager
async def running(everything: Everything) -> AsyncIterator[None]:
    async with open_tiers(everything), asyncio.timeout(25):
        for watched in everything.watched.values():
            await watched.start()
        yield


async def test_at_start_it_is_why_the_start_fails_and_the_part_can_be_started_then(everything: Everything) -> None:
    async with open_tiers(everything):
        assert everything.watched.keys() >= PARTS
        for name, watched in everything.watched.items():
            watched.unready = 1
            with pytest.raises((InjectedError, ExceptionGroup)) as caught:
                await watched.start()
            assert name in str(caught.value) or name in str(getattr(caught.value, "exceptions", ""))
            await watched.start()
        assert everything.failures() == []
        assert all(watched.readies for watched in everything.watched.values())


async def test_at_work_the_part_goes_on_it_is_reported_and_no_other_one_notices(everything: Everything) -> None:
    async with running(everything):
        everything.accept(5)
        touched = set()
        for name, watched in everything.watched.items():
            touched.add(name)
            watched.unready = 1  # it fails again before it is ready
            while name not in everything.failures():
                await until(watched.inject)  # it may be about to go on at this moment
                await asyncio.sleep(0.02)
            await until(lambda: not watched.unready and bool(watched.readies))  # noqa: B023 - awaited at once
            assert {*everything.failures()} == touched
        assert everything.base.board.verdict(READY_SELF).ok
        assert everything.registry.get_sample_value("sidecar_otlp_forward_upstream_up") == 0
        assert everything.dropped() == 0


async def test_while_stopping_it_holds_nothing_up_and_no_body_is_lost_uncounted(everything: Everything) -> None:
    async with running(everything):
        everything.accept(5)
        await asyncio.sleep(0.05)
        for watched in reversed(everything.watched.values()):
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                stop = group.create_task(watched.tier.stop(watched.part.name))
                while not stop.done():
                    await asyncio.sleep(0)
                    watched.inject()
        assert everything.failures() == []
        assert everything.dropped() + await asyncio.to_thread(everything.on_disk) == 5


async def test_a_stop_between_two_runs_loses_no_body_uncounted(everything: Everything) -> None:
    async with running(everything):
        everything.accept(5)
        for watched in reversed(everything.watched.values()):
            watched.unready = 1000
            while watched.part.name not in everything.failures():
                watched.inject()
                await asyncio.sleep(0.001)
            await watched.tier.stop(watched.part.name)
            everything.accept(1)
        assert everything.dropped() + await asyncio.to_thread(everything.on_disk) == 5 + len(everything.watched)
