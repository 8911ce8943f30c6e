"""The servers of the demo and of these tests: data, port, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer
from sidecar.model.errors import OperatorError

pytestmark = pytest.mark.integration

START_BOTH = """
import sys, time
from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer
postgres, valkey = PostgresServer(), ValkeyServer()
postgres.start()
valkey.start()
print(postgres.directory, valkey.directory, postgres.pid, valkey.pid, flush=True)
if sys.argv[1] == "wait":
    time.sleep(60)
"""


async def query(server: PostgresServer, sql: str) -> object:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_data_and_port_survive_a_stop_and_a_crash() -> None:
    with PostgresServer() as server:
        port = server.port
        await query(server, "CREATE TABLE kept AS SELECT 7 AS value")
        for end in (server.stop, server.kill):
            await asyncio.to_thread(end)
            assert not server.is_running
            await asyncio.to_thread(server.start)
        assert (await query(server, "SELECT value FROM kept"), server.port) == (7, port)
        directory = server.directory
    assert not directory.exists()


async def test_statements_are_recorded_by_pg_stat_statements() -> None:
    with PostgresServer(postgres_18_bin_dir(), settings={"max_connections": "23"}) as server:
        await query(server, "CREATE EXTENSION pg_stat_statements")
        assert await query(server, "SELECT count(*) > 0 FROM pg_stat_statements")
        assert await query(server, "SHOW max_connections") == "23"


def test_server_that_does_not_start_says_why_and_leaves_nothing() -> None:
    server = PostgresServer(settings={"shared_buffers": "nonsense"})
    with pytest.raises(OperatorError, match="nonsense"):
        server.__enter__()
    assert not server.is_running
    with pytest.raises(OperatorError, match="Bad directive"), ValkeyServer(arguments=["--no-such-setting", "1"]):
        pass


@pytest.mark.parametrize("how", ["end", "wait"])
def test_servers_end_with_the_process_that_started_them(how: str) -> None:
    with subprocess.Popen([sys.executable, "-c", START_BOTH, how], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        *directories, postgres, valkey = parent.stdout.readline().split()
        if how == "wait":
            parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not is_alive(int(postgres)) and not is_alive(int(valkey)))
    wait_until(lambda: not any(Path(directory).exists() for directory in directories))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")
def test_binaries_that_nobody_may_reach_are_copied(tmp_path: Path) -> None:
    package = postgres_18_bin_dir().parent.parent
    tmp_path.chmod(0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        (tmp_path / folder.name).symlink_to(folder)
    closed = tmp_path / package.name / "pginstall" / "bin"
    with PostgresServer(closed) as server:
        assert asyncio.run(query(server, "SELECT 1")) == 1
