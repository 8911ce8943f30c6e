"""Starting and bad input: one clear line each, exit code 1, nothing half-started; probes never wait for a server."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

ANYWHERE = "pod: {listen: '127.0.0.1:0'}\n"
"""For what is refused only once the probes can be asked."""
GOOD_RULES = "groups: [{name: g, rules: [{alert: A, expr: vector(1)}]}]\n"


def refused(tmp_path: Path, config: str, rules: str = "") -> str:
    """Run the sidecar with `config` and return what it says as it refuses."""
    (tmp_path / "rules.yml").write_text(rules)
    sidecar = Sidecar(tmp_path, config)
    sidecar.config_path.write_text(config)
    sidecar.spawn()
    assert sidecar.process is not None
    assert sidecar.process.wait(20) == 1
    return sidecar.log.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("postgress: []\n", "sidecar.yaml:1:1: unknown key `postgress`; did you mean `postgres`?\n"),
        (
            "redis:\n  - {url: redis://h, timeout_seconds: soon}\n",
            "sidecar.yaml:2:39: `redis.0.timeout_seconds`: input should be a valid number, unable to parse string "
            "as a number\n",
        ),
        (f"rules:\n  files: [nope.yml]\n{ANYWHERE}", "sidecar.yaml:2:11: rule file `nope.yml` is missing\n"),
        (f"postgres:\n  - {{dsn: postgres://h/d, views: {{include: [nope]}}}}\n{ANYWHERE}", None),
        ("job: [\n", "sidecar.yaml:2:1: not valid YAML: "),
    ],
)
def test_a_bad_configuration_is_one_line_with_its_place_and_exit_code_1(
    tmp_path: Path, config: str, message: str | None
) -> None:
    log = refused(tmp_path, config)
    if message is None:
        assert "no view is called `nope`" in log
    else:
        assert log.startswith(message), log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("rules", "place", "word"),
    [
        ("groups: [{name: g, rules: [{alert: A, expr: up, exprs: up}]}]\n", "rules.yml:1:49: ", "exprs"),
        ("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(up\n", "rules.yml:5:", "expr"),
    ],
)
def test_a_bad_rule_is_one_line_with_its_place_and_exit_code_1(
    tmp_path: Path, rules: str, place: str, word: str
) -> None:
    log = refused(tmp_path, f"{ANYWHERE}rules: {{files: [rules.yml]}}\n", rules)
    (line,) = [line for line in log.splitlines() if line.startswith("rules.yml")]
    assert line.startswith(place), line
    assert word in line
    assert "Traceback" not in log


def test_a_missing_configuration_file_is_told_by_its_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sidecar", "run", "--config", str(tmp_path / "nope.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/nope.yaml: cannot be read: No such file or directory\n")


def test_a_port_that_is_taken_is_told_and_ends_the_start(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        log = refused(tmp_path, f"pod: {{listen: '127.0.0.1:{port}'}}\n")
    assert log == f"pod: cannot listen on `127.0.0.1:{port}`: the port is taken\n"


async def test_a_bad_reload_leaves_the_old_configuration_running_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(GOOD_RULES)
    with Sidecar(tmp_path, "rules: {files: [rules.yml], evaluation_interval_seconds: 1}\n") as sidecar:

        async def metric(name: str) -> float:
            return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])[name]

        (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]\n")
        assert sidecar.process is not None
        sidecar.process.send_signal(signal.SIGHUP)
        await eventually(lambda: metric("sidecar_config_last_reload_successful"), lambda value: value == 0)
        assert "rules.yml:1:" in sidecar.log
        assert (await get_text(f"{sidecar.url}/readyz"))[0] == 200
        await eventually(lambda: metric('sidecar_alerts{state="firing"}'), lambda value: value == 1)

        (tmp_path / "rules.yml").write_text("groups: []\n")
        sidecar.process.send_signal(signal.SIGHUP)
        await eventually(lambda: metric("sidecar_config_last_reload_successful"), lambda value: value == 1)
        await eventually(lambda: metric('sidecar_alerts{state="firing"}'), lambda value: value == 0)


async def test_a_changed_file_is_noticed_without_a_signal(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "job: before\n") as sidecar:
        sidecar.config_path.write_text(sidecar.config_path.read_text() + "head: {max_series: 100000}\n")

        async def log() -> str:
            return sidecar.log

        await eventually(log, lambda text: "Reloaded" in text)


@contextmanager
def never_answers() -> Iterator[int]:
    """A listener that accepts and stays silent."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def never_connects() -> Iterator[int]:
    """A listener whose backlog is full: connecting to it hangs."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()


@pytest.mark.alone("measures time")
async def test_probes_and_metrics_answer_at_once_whatever_a_server_does(tmp_path: Path) -> None:
    config = """\
scrape_interval_seconds: 1
postgres:
  - {name: silent, dsn: "postgresql://u@127.0.0.1:${SILENT}/d", timeout_seconds: 2}
  - {name: unreachable, dsn: "postgresql://u@127.0.0.1:${UNREACHABLE}/d", timeout_seconds: 2}
"""
    with never_answers() as silent, never_connects() as unreachable:
        env = {"SILENT": str(silent), "UNREACHABLE": str(unreachable)}
        with Sidecar(tmp_path, config, env) as sidecar:
            async with aiohttp.ClientSession() as session:
                took = [await timed(session, f"{sidecar.url}/{path}") for _ in range(300) for path in PATHS]
            assert sorted(took)[int(len(took) * 0.99)] < 0.05

            async def down() -> set[float]:
                samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
                return {value for name, value in samples.items() if name.startswith("pg_up")}

            await eventually(down, lambda values: values == {0.0})


PATHS = ("livez", "readyz", "metrics")


async def timed(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    async with session.get(url) as response:
        await response.read()
    assert response.status == 200
    await asyncio.sleep(0.002)
    return time.perf_counter() - started - 0.002
