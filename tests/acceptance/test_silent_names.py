"""A real sidecar whose server of names takes questions and never answers: only who needs a name feels it."""

import asyncio
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from tests.servers import HOST, Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAMES = 8
TARGET = '- {{name: t{0}, url: "redis://db{0}.example:6379/0", timeout_seconds: 0.5}}\n'
TARGETS = "".join(TARGET.format(number) for number in range(NAMES))
CONFIG = f"""\
scrape_interval_seconds: 1
redis:
{TARGETS}
probes:
  settle_seconds: 0
  checks: [{{name: app, kind: tcp, address: "{HOST}:${{APP}}", interval_seconds: 0.5}}]
"""
IN_OWN_MOUNTS = 'mount --make-rprivate / && mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Nameless(Sidecar):
    """A sidecar in mounts of its own, where the server of names is one that never answers."""

    @override
    def command(self) -> Sequence[str]:
        names = str(self.directory / "resolv.conf")
        return ["unshare", "--mount", "sh", "-c", IN_OWN_MOUNTS, names, *super().command()]

    async def metrics(self) -> dict[str, float]:
        return samples_of((await get_text(f"{self.url}/metrics"))[1])


@pytest.fixture
def silent() -> Iterator[str]:
    """A server of names that never answers, on port 53 of an address of loopback that nobody else uses."""
    host = f"127.53.{os.getpid() % 250}.53"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind((host, 53))
            subprocess.run(["unshare", "--mount", "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"only root may have port 53 and mounts of its own here: {error}")
        yield host


@pytest.fixture
def app() -> Iterator[int]:
    with socket.create_server((HOST, 0), backlog=1000) as server:
        yield server.getsockname()[1]


async def test_names_that_nobody_answers_harm_their_targets_alone_and_are_told(
    tmp_path: Path, silent: str, app: int
) -> None:
    (tmp_path / "resolv.conf").write_text(f"nameserver {shlex.quote(silent)}\noptions timeout:30 attempts:5\n")
    with Nameless(tmp_path, CONFIG, {"APP": str(app)}) as sidecar:
        given_up, in_all = (f'sidecar_thread{name}{{pool="names"}}' for name in ("s_given_up", "_give_ups_total"))
        found = await eventually(sidecar.metrics, lambda found: found[given_up] == NAMES)
        assert found['sidecar_threads_busy{pool="names"}'] == 0
        await eventually(sidecar.metrics, lambda found: found['sidecar_probe_success{check="app"}'] == 1)
        before, until = await sidecar.metrics(), time.monotonic() + 5
        while time.monotonic() < until:
            for path in ("livez", "readyz"):
                status, text = await get_text(f"{sidecar.url}/{path}?verbose")
                assert status == 200, text
            await asyncio.sleep(0.02)
        after = await sidecar.metrics()
        assert after['sidecar_probe_success{check="app"}'] == 1
        assert after[given_up] == NAMES, "a name is asked for by a thread more each time"
        assert after[in_all] == before[in_all]
        assert all(after[f'sidecar_target_up{{kind="redis",target="t{number}"}}'] == 0 for number in range(NAMES))
    assert sidecar.log.count('"ThreadGivenUp"') == 1, "one line a minute"
    assert ".example" in next(line for line in sidecar.log.splitlines() if "ThreadGivenUp" in line)
