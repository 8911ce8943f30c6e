"""The sidecar that is harmed: on a core of its own, its clock, files, names and log in our hands."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread

import pytest
from typing_extensions import override

from tests.conftest import ROOT
from tests.servers import Sidecar
from tests.soak.faults.launch import Launch, words
from tests.soak.faults.mount import HangingMount
from tests.soak.faults.names import RESOLVER

LOG_PIPE_BYTES = 4096
READ_BYTES = 1 << 16


class FakeClock:
    """A wall clock that `step` sets ahead or back, for a program with its `environment`; monotonic time is the real."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.step(0)
        self.environment = {
            "LD_PRELOAD": str(_libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DISABLE_SHM": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else the waits of threads for each other end at once, and they spin
        }

    def step(self, seconds: float) -> None:
        """Have it be so much ahead of the right time, within a second."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+.0f}\n")
        new.replace(self._file)


def _libfaketime() -> Path:
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return found
    return pytest.skip("libfaketime is not here: scripts/setup test installs it")


class Log:
    """Reads a pipe into a file, unless it is paused; ends with the pipe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reads = Event()
        self._reads.set()

    def pause(self) -> None:
        """Read nothing more: the pipe fills up."""
        self._reads.clear()

    def resume(self) -> None:
        """Read again."""
        self._reads.set()

    def read(self, pipe: int) -> None:
        """Begin to read `pipe`, and close it when it ends."""
        Thread(target=self._read, args=(pipe,), name="log", daemon=True).start()

    def _read(self, pipe: int) -> None:
        with self._path.open("ab", buffering=0) as file, open(pipe, "rb", buffering=0) as lines:
            while data := lines.read(READ_BYTES):
                file.write(data)
                self._reads.wait()


class HarmedSidecar(Sidecar):
    """A sidecar on `core` that reads `mount` at the folder `mount` beside its configuration."""

    def __init__(
        self, directory: Path, config: str, env: Mapping[str, str], mount: HangingMount, clock: FakeClock, core: int
    ) -> None:
        super().__init__(directory, config, env)
        self.mount, self.clock = mount, clock
        self.unread = Log(directory / f"{self.name}.log")
        self._resolver = directory / "resolv.conf"
        self._resolver.write_text(RESOLVER)
        self._core = core
        self.config = self.config_path.read_text()
        (directory / "mount").mkdir()

    @override
    def spawn(self) -> None:
        fuse = (self.mount.descriptor, str(self.directory / "mount"))
        launch = Launch(self.command(), self._core, fuse, str(self._resolver), self.clock.environment)
        pipe, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, LOG_PIPE_BYTES)
        self.process = subprocess.Popen(
            words(launch),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            env=self.environment(),
            cwd=ROOT,
            pass_fds=[self.mount.descriptor],
        )
        os.close(writer)
        self.unread.read(pipe)

    def configure(self, more: str, config: str | None = None) -> None:
        """Write the configuration that it was started with, or `config`, and `more` below."""
        new = self.config_path.with_suffix(".new")
        new.write_text((config or self.config) + more)
        new.replace(self.config_path)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)
