"""A whole process whose files change: half-written and emptied ones never run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.app.foundation import lay_foundation
from sidecar.app.process import Process, open_process
from sidecar.app.source import ConfigSource
from sidecar.app.texts import Signature
from sidecar.runtime.watch import SETTLE_SECONDS
from tests.fakes import FakeClock, until

CONFIG = """
job: shop
pod: {listen: "127.0.0.1:0"}
api: {listen: "127.0.0.1:0"}
otlp: {http: {listen: null}, grpc: {listen: null}}
probes: {checks: [{kind: tcp, name: db, address: "127.0.0.1:1"}]}
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


class Files:
    """The files of a running process, on a clock of their own."""

    def __init__(self, folder: Path) -> None:
        self.config, self.rules, self.clock = folder / "sidecar.yaml", folder / "rules.yml", FakeClock()
        self.config.write_text(CONFIG)
        self.rules.write_text(RULES)
        self.source = LookedAt(self.config, {})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Process]:
        located = await asyncio.to_thread(self.source.read)
        async with open_process(self.source, located, lay_foundation(located.config, self.clock)) as process:
            yield process

    async def look(self, times: int = 1) -> None:
        """Let the watch look at the files."""
        for _ in range(times):
            count = len(self.source.looks)
            while len(self.source.looks) == count:
                await self.clock.advance(SETTLE_SECONDS / 2)


def alerts_of(process: Process) -> list[str]:
    return [record.rule.name for record in process.assembly.stores.rules.rules]


async def test_an_emptied_configuration_is_told_and_the_one_before_goes_on(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with files.running() as process:
        files.config.write_text("")
        await files.look(4)
        await process.reload()
        assert (process.assembly.config.job, alerts_of(process)) == ("shop", ["A"])
        files.config.write_text(CONFIG.replace("shop", "till"))
        await files.look(4)
        await until(lambda: process.assembly.config.job == "till")


async def test_a_reload_that_fails_is_told_without_passwords(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = Files(tmp_path)
    async with files.running() as process:
        files.config.write_text(CONFIG.replace("kind: tcp", "kind: 'postgres://u:c4nary@h/d'"))
        await process.reload()
    assert "Reload failed" in caplog.text
    assert "`postgres://***@h/d` is not one of" in caplog.text
    assert "c4nary" not in caplog.text


async def test_a_rule_file_that_is_empty_for_a_moment_leaves_the_state_of_its_alerts(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with files.running() as process:
        (record,) = process.assembly.stores.rules.rules
        files.rules.write_text("")
        await files.look(4)
        await process.reload()
        files.rules.write_text(RULES)
        await files.look(4)
        await process.reload()
        assert list(process.assembly.stores.rules.rules) == [record]


async def test_a_rule_file_that_is_gone_for_a_moment_leaves_the_state_of_its_alerts(tmp_path: Path) -> None:
    files = Files(tmp_path)
    async with files.running() as process:
        (record,) = process.assembly.stores.rules.rules
        files.rules.unlink()
        await files.look(4)
        files.rules.write_text(RULES)
        await files.look(4)
        await process.reload()
        assert list(process.assembly.stores.rules.rules) == [record]


async def test_a_rule_file_that_comes_after_the_configuration_that_names_it_is_read(tmp_path: Path) -> None:
    files = Files(tmp_path)
    later = tmp_path / "later.yml"
    async with files.running() as process:
        files.config.write_text(CONFIG.replace("rules.yml", "later.yml"))
        await files.look(4)
        assert alerts_of(process) == ["A"]
        later.write_text("groups: [{name: g, rules: [{alert: B, expr: '('}]}]\n")
        await files.look(4)
        assert alerts_of(process) == ["A"]
        later.write_text(RULES.replace("A", "B"))
        await files.look(4)
        await until(lambda: alerts_of(process) == ["B"])
