"""The exporters that the sidecar replaces, as Debian builds them, for comparison."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from tests.servers import HOST, Program, get_text, tool


class Exporter(Program):
    """An exporter with one target; `flags` are added to its command line."""

    def __init__(self, directory: Path, target: str, flags: Sequence[str] = ()) -> None:
        super().__init__(directory)
        self._target = target
        self._flags = list(flags)

    @override
    def ready_url(self) -> str:
        return self.url  # its landing page, which asks the target nothing

    async def scrape(self) -> str:
        """Return its page about the target."""
        status, text = await get_text(f"{self.url}/metrics")
        assert status == 200, text
        return text


class PostgresExporter(Exporter):
    """postgres_exporter; the target is a DSN, without TLS unless it says otherwise."""

    name = "postgres_exporter"

    @override
    def command(self) -> Sequence[str]:
        return [str(tool("prometheus-postgres-exporter")), f"--web.listen-address={HOST}:{self.port}", *self._flags]

    @override
    def environment(self) -> Mapping[str, str]:
        dsn = self._target if "sslmode=" in self._target else f"{self._target}?sslmode=disable"
        return os.environ | {"DATA_SOURCE_NAME": dsn}


class RedisExporter(Exporter):
    """redis_exporter; the target is a URL."""

    name = "redis_exporter"

    @override
    def command(self) -> Sequence[str]:
        return [str(tool("prometheus-redis-exporter")), f"-web.listen-address={HOST}:{self.port}", *self._flags]

    @override
    def environment(self) -> Mapping[str, str]:
        return os.environ | {"REDIS_ADDR": self._target}
