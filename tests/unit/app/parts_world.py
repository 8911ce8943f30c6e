"""The parts of a configuration, as tests run them one by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sidecar.app.build import build_parts, build_stores
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files
from sidecar.app.foundation import Foundation, lay_foundation
from sidecar.app.reload import Part
from sidecar.app.source import ConfigSource
from sidecar.runtime.lifecycle import Tier, open_tier
from tests.fakes import FakeClock, RecordedEvents
from tests.unit.app.config_fields import maximal


def everything(folder: Path) -> SidecarConfig:
    """Return a configuration with everything there is, on ports that are free, of peers that are not there."""
    data = maximal()
    data |= {
        "telemetry": data["telemetry"] | {"timeout_seconds": 0.1},
        "pod": {"listen": "127.0.0.1:0"},
        "api": {"listen": "127.0.0.1:0"},
        "otlp": {"http": {"listen": "127.0.0.1:0"}, "grpc": {"listen": "127.0.0.1:0"}},
        "state": {"path": str(folder / "state.db")},
    }
    return SidecarConfig.model_validate(data)


class World:
    """The parts of a configuration, in a tier of their own; what events were emitted."""

    def __init__(self, config: SidecarConfig) -> None:
        self.clock = FakeClock()
        self.base: Foundation = lay_foundation(config, self.clock)
        files = Files((), {target.name: () for target in config.postgres})
        self.stores = build_stores(config, self.base)
        parts = build_parts(config, files, ConfigSource(None, {}), self.stores, self.base)
        self.parts: list[Part] = sorted(parts, key=lambda part: part.tier)
        self.events = RecordedEvents(self.clock)

    def part(self, name: str) -> Part:
        (found,) = (part for part in self.parts if part.name == name)
        return found

    @asynccontextmanager
    async def tier(self) -> AsyncIterator[Tier]:
        async with open_tier(self.clock, self.events) as tier:
            yield tier

    def value(self, name: str, **labels: str) -> float | None:
        return self.base.meter.registry.get_sample_value(name, labels)
