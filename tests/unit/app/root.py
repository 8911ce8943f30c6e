"""A whole sidecar in the process of a test: its files in a folder, its clock the test's, any free ports."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from typing_extensions import override

from sidecar.app.build import build_parts
from sidecar.app.config import SidecarConfig
from sidecar.app.foundation import Foundation, lay_foundation
from sidecar.app.process import Process
from sidecar.app.reload import Part, TierName
from sidecar.app.run import open_process
from sidecar.app.source import ConfigSource, Signature
from sidecar.runtime.component import Component
from sidecar.runtime.events import Event
from sidecar.runtime.threads.purposes import RELOAD
from sidecar.runtime.watch import SETTLE_SECONDS
from tests.fakes import FakeClock, FakeComponent, RecordedEvents
from tests.servers import samples_of

CONFIG = """
job: shop
pod: {listen: "127.0.0.1:0"}
api: {listen: "127.0.0.1:0"}
otlp: {http: {listen: "127.0.0.1:0"}, grpc: {listen: null}}
rules: {files: [rules.yml]}
"""
RULES = "groups: [{name: g, rules: [{alert: A, expr: vector(1), for: 10m}]}]\n"


@dataclass(frozen=True, slots=True)
class LookedAt(ConfigSource):
    """A source that remembers what was seen of its files."""

    looks: list[Signature] = field(default_factory=list)

    @override
    def signature(self) -> Signature:
        self.looks.append(ConfigSource.signature(self))
        return self.looks[-1]


class Root:
    """The composition root, and what a test may do to what it made.

    `fakes` are further parts that the configuration has; `journal` says which of them opened and closed.
    """

    def __init__(self, folder: Path) -> None:
        self.config, self.rules, self.clock = folder / "sidecar.yaml", folder / "rules.yml", FakeClock()
        self.config.write_text(CONFIG)
        self.rules.write_text(RULES)
        self.source = LookedAt(self.config, {})
        self.events = RecordedEvents(self.clock)
        self.fakes: tuple[Part, ...] = ()
        self.journal: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        located = await RELOAD.run(self.source.read)
        async with open_process(self.source, located, self.foundation(located.config)) as process:
            yield process

    def foundation(self, config: SidecarConfig) -> Foundation:
        return replace(lay_foundation(config, self.clock), events=self.events)

    def build_parts(self, *args: Any) -> tuple[Part, ...]:
        return (*build_parts(*args), *self.fakes)

    def fake(self, name: str, tier: TierName = TierName.JOBS, **fate: Any) -> FakeComponent:
        """Add a part, instead of one that has its name and tier."""
        component = FakeComponent(name, self.journal, **fate)
        self.add(name, lambda: component, tier)
        return component

    def add(self, name: str, make: Callable[[], Component], tier: TierName = TierName.JOBS) -> None:
        part = Part(name, tier, object(), make, lambda: self.journal.append(f"forget {name}"))
        self.fakes = (*(other for other in self.fakes if (other.name, other.tier) != (name, tier)), part)

    async def look(self, times: int = 1) -> None:
        """Let the watch look at the files."""
        for _ in range(times):
            count = len(self.source.looks)
            while len(self.source.looks) == count:
                await self.clock.advance(SETTLE_SECONDS / 2)

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return the events of `kind` so far."""
        return [event for event in self.events.seen if isinstance(event, kind)]


async def get(process: Process, part: str, path: str) -> tuple[int, str]:
    """Return status and text of what the listener `part` answers."""
    async with ClientSession() as session, session.get(f"http://{process.addresses[part]}{path}") as response:
        return response.status, await response.text()


async def post_otlp(process: Process, signal: str, body: str) -> None:
    """Send `body`, OTLP as JSON, as an app would; `signal` is the last part of the path."""
    url, headers = f"http://{process.addresses['otlp_http']}/v1/{signal}", {"Content-Type": "application/json"}
    async with ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        assert response.status == 200


async def metrics_of(process: Process) -> dict[str, float]:
    """Return the samples on /metrics."""
    return samples_of((await get(process, "pod", "/metrics"))[1])


def alerts_of(process: Process) -> list[str]:
    return [record.rule.name for record in process.stores.rules.rules]
