"""`sidecar demo` as a process: it says where to look, and whatever ends it, nothing of it is left."""

import csv
import os
import pty
import re
import secrets
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes import until
from tests.servers import eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

MARKER = "SIDECAR_TEST_OF_THE_DEMO"
START_SECONDS = 60.0


class Traces:
    """What a demonstration leaves on this machine: processes with its marker or in its folder, and the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {MARKER: secrets.token_hex(8), "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
        self._signs = (f"{MARKER}={self.environment[MARKER]}".encode(), str(folder).encode())

    @property
    def processes(self) -> dict[int, str]:
        """Command lines of the processes that live, by their id."""
        found = {int(path.name): self._command_line(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        return {pid: line for pid, line in found.items() if line}

    def pid_of(self, command: str) -> int:
        """Return the id of the one process whose command line holds `command`."""
        (pid,) = [pid for pid, line in self.processes.items() if command in line]
        return pid

    @property
    def are_gone(self) -> bool:
        return not self.processes and not any(self.folder.iterdir())

    def _command_line(self, process: Path) -> str:
        """Return the command line of a process of the demonstration, nothing of another; zombies have none."""
        try:
            # Postgres writes over the environment of its children: these are told by the folder that they work in.
            signs = (process / "environ").read_bytes() + os.fsencode((process / "cwd").readlink())
            line = (process / "cmdline").read_bytes()
        except OSError:
            return ""
        return line.replace(b"\0", b" ").decode() if any(sign in signs + line for sign in self._signs) else ""


@pytest.fixture
def traces() -> Iterator[Traces]:
    # Not tmp_path: the servers run as nobody, who may not go there.
    folder = Path(tempfile.mkdtemp(prefix="sidecar-test-"))
    folder.chmod(0o755)
    yield Traces(folder)
    shutil.rmtree(folder, ignore_errors=True)


def heed_hang_ups() -> None:
    """Undo what a `nohup` around the tests would hand down."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@asynccontextmanager
async def demo(traces: Traces, *arguments: str, stdout: int = PIPE) -> AsyncIterator[Process]:
    command = (sys.executable, "-m", "sidecar", "demo", *arguments)
    process = await create_subprocess_exec(
        *command,
        env=traces.environment,
        stdout=stdout,
        stderr=PIPE,
        start_new_session=True,
        preexec_fn=heed_hang_ups,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process, words: str) -> str:
    """Return the line with `words` that `process` prints, once it does."""
    assert process.stdout is not None
    async for line in process.stdout:
        if words in line.decode():
            return line.decode()
    raise AssertionError(f"it ended before it said {words!r}")


async def test_it_says_where_to_look_ends_by_itself_and_leaves_nothing(traces: Traces) -> None:
    async with demo(traces, "--for", "8s") as process:
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    for words in ("/metrics", "/readyz?verbose", "/orders/1", "OTLP goes to http://127.0.0.1:", "Stopping after"):
        assert words in output.decode()
    assert "Traceback" not in errors.decode()
    assert traces.are_gone, traces.processes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it_in_good_order(traces: Traces, number: signal.Signals) -> None:
    async with demo(traces) as process:
        await said(process, "Ctrl-C")
        process.send_signal(number)
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert "Stopping after" in output.decode()
    assert traces.are_gone, traces.processes


async def test_a_terminal_that_closes_ends_it_in_good_order(traces: Traces) -> None:
    ours, theirs = pty.openpty()
    async with demo(traces, stdout=theirs) as process:
        os.close(theirs)
        await until(lambda: any("sidecar.demo.shop" in line for line in traces.processes.values()), START_SECONDS)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert traces.are_gone, traces.processes


async def test_killed_it_leaves_nothing_either(traces: Traces) -> None:
    async with demo(traces) as process:
        await said(process, "Ctrl-C")
        assert len(traces.processes) > 5
        process.kill()
        await process.communicate()
        await until(lambda: traces.are_gone)


@pytest.mark.parametrize(
    ("command", "message"),
    [("sidecar run", "the sidecar ended with exit code -9"), ("sidecar.demo.shop", "the shop ended: nobody listens")],
)
async def test_a_part_that_dies_is_told_in_one_line_and_ends_it(traces: Traces, command: str, message: str) -> None:
    async with demo(traces) as process:
        await said(process, "Ctrl-C")
        os.kill(traces.pid_of(command), signal.SIGKILL)
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert message in errors.decode().splitlines()[-1]
    assert "Traceback" not in errors.decode()
    assert traces.are_gone, traces.processes


async def test_servers_that_do_not_start_are_told_in_good_words(traces: Traces) -> None:
    traces.environment["SIDECAR_VALKEY_BINARY"] = "/bin/false"
    async with demo(traces) as process:
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().startswith("Valkey did not start on port")
    assert "Traceback" not in errors.decode()
    assert traces.are_gone, traces.processes


IGNORES_SIGNALS = """
import signal, subprocess, sys, time
from pathlib import Path
from sidecar.demo.watcher import Watcher
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
watcher = Watcher(child.pid, signal.SIGQUIT, Path(sys.argv[1]))
print(flush=True)
time.sleep(60)
"""


async def test_a_process_that_ignores_signals_ends_with_us_too(traces: Traces) -> None:
    (traces.folder / "data").mkdir()
    process = await create_subprocess_exec(
        *(sys.executable, "-c", IGNORES_SIGNALS, str(traces.folder / "data")), env=traces.environment, stdout=PIPE
    )
    await said(process, "")
    process.kill()
    await process.communicate()
    await until(lambda: traces.are_gone)


async def test_every_name_that_the_exporters_mixins_use_has_data(traces: Traces, shared_data: Path) -> None:
    expected = names_of_the_mixins(shared_data)
    assert len(expected) > 50
    async with demo(traces) as process:
        url = re.search(r"http://\S+/metrics", await said(process, "/metrics"))
        assert url is not None

        async def missing() -> set[str]:
            return expected - {sample.partition("{")[0] for sample in samples_of((await get_text(url[0]))[1])}

        assert await eventually(missing, lambda names: not names, 30) == set()
        process.send_signal(signal.SIGTERM)
        await process.communicate()


def names_of_the_mixins(shared_data: Path) -> set[str]:
    """Return the metrics that dashboards, alerts and rules of the mixins ask for, if the exporters must have them."""
    must: set[str] = set()
    for name in ("postgres_metrics.tsv", "redis_metrics.tsv"):
        with (shared_data / "exporters" / name).open() as file:
            must |= {row["name"] for row in csv.DictReader(file, delimiter="\t") if row["scope"] == "must"}
    lines = (shared_data / "exporters" / "mixin_metrics.txt").read_text().splitlines()
    return {line.split("\t")[0] for line in lines if not line.startswith("#")} & must
