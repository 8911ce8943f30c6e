"""A file or a server of names that does not answer: nobody suffers but the target that needs it, least of all the app.

Nothing here may use the default executor of the event loop, in which all would wait for each other.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typing_extensions import override

from sidecar.app.process import Process, Reloaded, ReloadFailed
from sidecar.runtime.regular_file import read_regular
from sidecar.runtime.threads.names import NamesLoop
from sidecar.runtime.threads.purposes import FILES, NAMES
from tests.fakes import until
from tests.unit.app.root import CONFIG, Root, get, metrics_of

ROUNDS = 8
"""Of scrapes and checks: more than it takes to call an app hung."""
INTERVAL_SECONDS = 2.0
TARGETS = 8
PROBES = f"""
scrape_interval_seconds: {INTERVAL_SECONDS}
probes:
  settle_seconds: 0
  trusted_loop_lag_seconds: 1000
  checks: [{{name: app, kind: tcp, address: "127.0.0.1:PORT", interval_seconds: 2}}]
app_metrics: [{{name: healthy, url: "http://127.0.0.1:PORT/metrics"}}]
"""
TIMEOUT_SECONDS = 0.05


def targets(kind: str, settings: str) -> str:
    """Return a configuration of some targets of `kind`; # in their `settings` is the number of each."""
    lines = f"- {{name: t#, timeout_seconds: {TIMEOUT_SECONDS}, {settings}}}\n"
    return f"{kind}:\n" + "".join(lines.replace("#", str(number)) for number in range(TARGETS))


def with_secrets(folder: Path) -> str:
    return targets("postgres", f'dsn: "postgresql://u@127.0.0.1:1/d", password_file: "{folder}/secret#"')


class NoExecutor(ThreadPoolExecutor):
    """A default executor that nobody may use."""

    @override
    def submit(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the default executor is used")


class Silence:
    """Has files and names hang until it is over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._over = threading.Event()
        self.end = self._over.set

    def of_files(self, *names: str) -> None:
        """Have files hang, as on a mount whose server is away."""

        def read(path: Any, limit_bytes: int = -1) -> bytes:
            if Path(path).name in names:
                self._over.wait(60)
            return read_regular(path, limit_bytes)

        for module in ("sidecar.runtime.secret", "sidecar.app.source"):
            self._monkeypatch.setattr(f"{module}.read_regular", read)

    def of_names(self) -> None:
        """Have every name hang."""

        def look_up(*_: Any) -> list[Any]:
            self._over.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

        self._monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[Silence]:
    silence = Silence(monkeypatch)
    yield silence
    silence.end()


async def metrics(_request: web.Request) -> web.Response:
    return web.Response(text="jobs 7\n", content_type="text/plain")


@asynccontextmanager
async def beside_an_app(root: Root, config: str) -> AsyncIterator[Process]:
    """Run the process with `config` beside an app that is well."""
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with TestServer(app, host="127.0.0.1") as server:
        root.config.write_text(CONFIG + config.replace("PORT", str(server.port)))
        async with root.running() as process:
            yield process


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run `test` on the event loop of the product."""

    async def alone() -> None:
        asyncio.get_running_loop().set_default_executor(NoExecutor())
        await test()

    with asyncio.Runner(loop_factory=NamesLoop) as runner:
        runner.run(alone())


async def assert_well(root: Root, process: Process) -> None:
    """Let many scrapes and checks pass; fail if anybody but the targets that hang notices."""
    for _ in range(ROUNDS):
        scrapes = await scrapes_of_the_app(process)
        await root.clock.advance(INTERVAL_SECONDS)
        process.base.lag.beat()  # the heart beats by the real clock
        began = time.monotonic()
        for probe in ("/livez", "/readyz"):
            status, text = await get(process, "pod", f"{probe}?verbose")
            assert status == 200, text
        assert time.monotonic() - began < 1
        async with asyncio.timeout(10):
            while await scrapes_of_the_app(process) == scrapes:
                pass
        seen = await metrics_of(process)
        assert seen['sidecar_probe_success{check="app"}'] == 1
        assert seen['sidecar_target_up{kind="app",target="healthy"}'] == 1


async def scrapes_of_the_app(process: Process) -> float:
    return (await metrics_of(process)).get('sidecar_target_scrapes_total{kind="app",target="healthy"}', 0)


def test_secrets_that_hang_harm_only_their_targets(root: Root, silence: Silence, tmp_path: Path) -> None:
    names = [f"secret{number}" for number in range(TARGETS)]
    for name in names:
        (tmp_path / name).write_text("s3cret")
    silence.of_files(*names)

    async def test() -> None:
        before, given_up = threading.active_count(), FILES.given_up
        async with beside_an_app(root, PROBES + with_secrets(tmp_path)) as process:
            await assert_well(root, process)
            await process.reload()
            assert root.seen(Reloaded)
            await assert_well(root, process)
            await until(lambda: FILES.given_up == given_up + TARGETS)
            seen = await metrics_of(process)
            assert seen['sidecar_threads_given_up{pool="files"}'] == FILES.given_up
            assert seen['sidecar_target_up{kind="postgres",target="t0"}'] == 0
            assert threading.active_count() <= before + TARGETS + 10
        silence.end()
        await until(lambda: FILES.given_up == given_up)

    run(test)


def test_a_secret_that_is_a_fifo_is_told_by_its_name(root: Root, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "secret0")

    async def test() -> None:
        async with beside_an_app(root, PROBES + with_secrets(tmp_path)) as process:
            await assert_well(root, process)
            (told,) = [event for event in root.events.seen if getattr(event, "target", "") == "postgres/t0"]
            assert f"cannot read `{tmp_path}/secret0`: it is a FIFO, not a regular file" in told.error  # type: ignore[attr-defined]

    run(test)


def test_names_that_nobody_answers_harm_only_their_targets(root: Root, silence: Silence) -> None:
    silence.of_names()
    by_name = (
        targets("postgres", 'dsn: "postgresql://u@db#.silent/d"')
        + targets("redis", 'url: "redis://cache#.silent"')
        + 'alertmanagers: [{url: "http://alertmanager.silent:9093", timeout_seconds: 0.05}]\n'
    )

    async def test() -> None:
        given_up = NAMES.given_up
        async with beside_an_app(root, PROBES + by_name) as process:
            await assert_well(root, process)
            await process.reload()
            assert root.seen(Reloaded)
            await assert_well(root, process)
            assert given_up < NAMES.given_up <= given_up + 2 * TARGETS + 1
            seen = await metrics_of(process)
            assert seen['sidecar_target_up{kind="redis",target="t7"}'] == 0
        silence.end()
        await until(lambda: NAMES.given_up == given_up)

    run(test)


def test_a_configuration_that_hangs_fails_its_reload_and_holds_up_nothing(
    root: Root, silence: Silence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.app.process.READ_SECONDS", 0.05)

    async def test() -> None:
        async with beside_an_app(root, PROBES) as process:
            silence.of_files(root.config.name)
            for times in (1, 2):
                await process.reload()
                assert [event.error for event in root.seen(ReloadFailed)] == [
                    f"`{root.config}` cannot be read within 0.05 s"
                ] * times
            await assert_well(root, process)
            silence.end()
            await process.reload()
            assert len(root.seen(Reloaded)) == 1

    run(test)


async def test_a_configuration_or_a_rule_file_that_becomes_a_fifo_is_refused(root: Root) -> None:
    async with root.running() as process:
        for file in (root.rules, root.config):
            file.unlink()
            os.mkfifo(file)
            await process.reload()
            assert f"{file}: cannot be read: it is a FIFO, not a regular file" in root.seen(ReloadFailed)[-1].error
            file.unlink()
            file.write_text("groups: []" if file is root.rules else CONFIG)
        await process.reload()
        assert len(root.seen(Reloaded)) == 1
