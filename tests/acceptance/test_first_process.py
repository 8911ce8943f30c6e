"""The sidecar as the first process of its own namespaces, as in a container: it ends when told to, whatever hangs."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import pytest
from typing_extensions import override

from tests.servers import Sidecar

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount-proc")
BUDGET_SECONDS = 3
FIRST_SECONDS = 0.3
SLOW_SECONDS = 30.0
"""How much longer anything may take on a busy machine; shorter than what it is told from."""
STUCK = """
import os
from sidecar.runtime import watchdog
beat = watchdog.LoopLag.beat
def stuck(self):
    beat(self)
    while os.path.exists("stuck"): pass
watchdog.LoopLag.beat = stuck
"""
"""For a sitecustomize: the event loop hangs as long as there is a file of this name."""


@pytest.fixture(autouse=True)
def _own_namespaces() -> None:
    done = subprocess.run(["unshare", *NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"only root may have namespaces of processes here: {done.stderr.strip()}")


class First(Sidecar):
    """A sidecar that is process 1."""

    @override
    def command(self) -> Sequence[str]:
        return ["unshare", *NAMESPACES, *super().command()]

    @property
    def first(self) -> int:
        """Its number outside, once it is there."""
        assert self.process is not None
        until = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < until:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            if children and "sidecar" in Path(f"/proc/{children[0]}/cmdline").read_text():
                return int(children[0])
            time.sleep(0.002)
        raise AssertionError("it does not begin")

    @override
    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.first, number)
        return self.process.wait(SLOW_SECONDS)

    def told(self, number: int) -> None:
        os.kill(self.first, number)

    def ended(self, seconds: float) -> int:
        """Return the exit code, which must come within so many seconds."""
        assert self.process is not None
        return self.process.wait(seconds)


def with_budget(directory: Path, env: dict[str, str] | None = None) -> First:
    sidecar = First(directory, "", env)
    text = sidecar.config_path.read_text()
    sidecar.config_path.write_text(
        text.replace("drain_delay_seconds: 0", f"drain_delay_seconds: 0, timeout_seconds: {BUDGET_SECONDS}")
    )
    return sidecar


def test_it_stops_within_its_budget(tmp_path: Path) -> None:
    with with_budget(tmp_path) as sidecar:
        sidecar.told(signal.SIGTERM)
        assert sidecar.ended(BUDGET_SECONDS + SLOW_SECONDS) == 0
        assert "Traceback" not in sidecar.log


def test_told_in_its_first_moments_it_ends(tmp_path: Path) -> None:
    """The kernel drops what the first process does not handle yet, so it handles signals before all else."""
    sidecar = with_budget(tmp_path)
    sidecar.spawn()
    first = sidecar.first
    try:
        while not handles(first, signal.SIGTERM):
            time.sleep(0.001)
        assert cpu_seconds(first) < FIRST_SECONDS
        os.kill(first, signal.SIGTERM)
        assert sidecar.ended(SLOW_SECONDS) in {0, 128 + signal.SIGTERM}
    finally:
        sidecar.stop(signal.SIGKILL)


def handles(pid: int, number: signal.Signals) -> bool:
    (caught,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught.split()[1], 16) & 1 << number - 1)


def cpu_seconds(pid: int) -> float:
    """Return the time it had of a processor: what a machine with nothing else to do would take."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    sidecar = with_budget(tmp_path)
    text = sidecar.config_path.read_text()
    sidecar.config_path.write_text(text.replace("drain_delay_seconds: 0", "drain_delay_seconds: 300"))
    with sidecar:
        sidecar.told(signal.SIGTERM)
        time.sleep(0.2)
        sidecar.told(signal.SIGINT)
        assert sidecar.ended(SLOW_SECONDS) in {128 + signal.SIGINT, 128 + signal.SIGTERM}


def test_a_loop_that_hangs_does_not_keep_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(STUCK)
    with with_budget(tmp_path, {"PYTHONPATH": str(tmp_path)}) as sidecar:
        (tmp_path / "stuck").touch()
        with pytest.raises(OSError, match="timed out"):
            while urlopen(sidecar.ready_url(), timeout=1):
                pass
        sidecar.told(signal.SIGTERM)
        assert sidecar.ended(BUDGET_SECONDS + SLOW_SECONDS) == 1


def test_a_full_standard_error_does_not_keep_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    sidecar = with_budget(tmp_path)
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"-" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    try:
        sidecar.process = subprocess.Popen(sidecar.command(), stderr=writer, env=sidecar.environment())
        sidecar.wait()
        sidecar.told(signal.SIGTERM)
        assert sidecar.ended(BUDGET_SECONDS + SLOW_SECONDS) == 0
    finally:
        os.close(writer)
        os.close(reader)
        sidecar.stop(signal.SIGKILL)
