"""The sidecar as the first process of a container, which the kernel gives no signal that it does not handle."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from typing_extensions import override

from tests.servers import Sidecar
from tests.soak.faults.world import family

AT_ONCE_SECONDS = 2.0
STOP_SECONDS = 10.0
"""What all of stopping may take by default."""
DRAIN_SECONDS = 30.0


class FirstProcess(Sidecar):
    """A sidecar with process id 1 in a namespace of its own."""

    name = "first"

    @override
    def command(self) -> Sequence[str]:
        return ["unshare", "--pid", "--fork", "--kill-child", *super().command()]

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, from outside."""
        *_, inner = family(self.pid)
        os.kill(inner, number)

    @property
    def hears_signals(self) -> bool:
        """Whether it handles SIGTERM by now; before that the kernel gives it none."""
        *_, inner = family(self.pid)
        status = Path(f"/proc/{inner}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        return inner != self.pid and bool(int(caught, 16) & 1 << signal.SIGTERM - 1)

    def ended_within(self, seconds: float) -> float | None:
        """Return how long it took to end, None if too long."""
        assert self.process is not None
        began = time.monotonic()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        return time.monotonic() - began


class Ending(NamedTuple):
    """How it was told to end, and how long that took; None: longer than expected."""

    how: str
    expected_seconds: float
    seconds: float | None
    code: int
    expected_codes: tuple[int, ...]

    @property
    def failures(self) -> list[str]:
        """Return what is wrong."""
        if self.seconds is not None and self.code in self.expected_codes:
            return []
        seen = "was still there" if self.seconds is None else f"ended with exit code {self.code}"
        return [f"A3: {self.how}: expected to end within {self.expected_seconds:g} s, it {seen}"]


def endings(folder: Path) -> list[Ending]:
    """Tell it in every way."""
    return [_early(folder / "early"), _told(folder / "once"), _twice(folder / "twice")]


def _made(folder: Path, drain_seconds: float) -> FirstProcess:
    folder.mkdir()
    first = FirstProcess(folder, "")
    text = first.config_path.read_text()
    first.config_path.write_text(text.replace("drain_delay_seconds: 0", f"drain_delay_seconds: {drain_seconds:g}"))
    return first


def _early(folder: Path) -> Ending:
    first = _made(folder, DRAIN_SECONDS)
    first.spawn()
    while not first.hears_signals:
        time.sleep(0.001)
    first.tell(signal.SIGTERM)
    return _ending(first, "SIGTERM as soon as it can hear", AT_ONCE_SECONDS, (143,))


def _told(folder: Path) -> Ending:
    first = _made(folder, 0)
    first.start()
    first.tell(signal.SIGTERM)
    return _ending(first, "SIGTERM", STOP_SECONDS, (0,))


def _twice(folder: Path) -> Ending:
    first = _made(folder, DRAIN_SECONDS)
    first.start()
    first.tell(signal.SIGTERM)
    time.sleep(AT_ONCE_SECONDS)  # it drains
    first.tell(signal.SIGINT)
    return _ending(first, "SIGINT after SIGTERM", AT_ONCE_SECONDS, (130,))


def _ending(first: FirstProcess, how: str, seconds: float, codes: tuple[int, ...]) -> Ending:
    took = first.ended_within(seconds)
    assert first.process is not None
    return Ending(how, seconds, took, first.process.returncode, codes)
