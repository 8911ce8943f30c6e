"""The process ends when it is told to, whatever its event loop does, and as the first process of a container too."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

RUN = """
import asyncio, os, sys, time
from sidecar.runtime.guardian import GUARDIAN, Orders
GUARDIAN.watch()
{before}
async def run():
    stopping = asyncio.Event()
    told = lambda: print("reload", flush=True)
    GUARDIAN.obey(Orders(asyncio.get_running_loop(), stopping.set, told, lambda: {seconds}))
    print("up", flush=True)
    {work}
asyncio.run(run())
"""
WAITS = "await stopping.wait()"
IGNORES = "await asyncio.sleep(600)"
STUCK_IN_PYTHON = "\n    while True: pass"
STUCK_IN_THE_KERNEL = "time.sleep(600)"
SOON = 20.0
OWN_PIDS = ("--fork", "--pid", "--kill-child")


@contextmanager
def started(
    program: str, namespace: Sequence[str] | None = None, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", program]
    if namespace is not None:
        command = ["unshare", *OWN_PIDS, *namespace, *command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def program(work: str, seconds: float = 0.2, before: str = "") -> str:
    return RUN.format(work=work, seconds=seconds, before=before)


def line_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], SOON)[0], "it says nothing"
    return process.stdout.readline().decode().strip()


def test_a_signal_is_passed_on_to_the_loop() -> None:
    with started(program(WAITS, seconds=60)) as process:
        assert line_of(process) == "up"
        process.send_signal(signal.SIGHUP)
        assert line_of(process) == "reload"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 0


@pytest.mark.parametrize("work", [IGNORES, STUCK_IN_PYTHON, STUCK_IN_THE_KERNEL])
def test_who_does_not_stop_in_time_is_ended(work: str) -> None:
    with started(program(work), stderr=subprocess.PIPE) as process:
        assert line_of(process) == "up"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 1
        assert process.stderr is not None
        assert b"in run" in process.stderr.read(), "it does not say where it stood"


def test_a_second_signal_ends_it_at_once() -> None:
    with started(program(STUCK_IN_PYTHON, seconds=600)) as process:
        assert line_of(process) == "up"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) in {128 + signal.SIGINT, 128 + signal.SIGTERM}


def test_a_signal_before_there_is_a_loop_ends_it_and_a_hang_up_is_kept() -> None:
    with started(program(WAITS, before="print('early', flush=True); time.sleep(600)")) as process:
        assert line_of(process) == "early"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON) == 128 + signal.SIGTERM
    with started(
        program(WAITS, before="print('early', flush=True); sys.stdin.read()"), stdin=subprocess.PIPE
    ) as process:
        assert line_of(process) == "early"
        process.send_signal(signal.SIGHUP)
        assert process.stdin is not None
        process.stdin.close()
        assert {line_of(process), line_of(process)} == {"reload", "up"}


def test_standard_error_that_nobody_reads_holds_it_up_in_nothing() -> None:
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        with started(program(STUCK_IN_PYTHON), stderr=writer) as process:
            assert line_of(process) == "up"
            process.send_signal(signal.SIGTERM)
            assert process.wait(SOON) == 1
    finally:
        os.close(reader)
        os.close(writer)


def own_namespace() -> Sequence[str]:
    """Return what else makes a program the first process of its own namespace; skip where nobody may."""
    for more in ([], ["--user", "--map-root-user"]):
        if not subprocess.run(["unshare", *OWN_PIDS, *more, "true"], capture_output=True, check=False).returncode:
            return more
    pytest.skip("this kernel lets nobody here have a namespace of processes")


@pytest.mark.parametrize("work", [WAITS, STUCK_IN_PYTHON])
def test_the_first_process_of_a_container_ends_too(work: str) -> None:
    with started(program(work), own_namespace()) as process:
        assert line_of(process) == "up"
        (first,) = children_of(process.pid)
        os.kill(first, signal.SIGTERM)
        assert process.wait(SOON) == (0 if work is WAITS else 1)
    with started(program(STUCK_IN_PYTHON, seconds=600), own_namespace()) as process:
        assert line_of(process) == "up"
        (first,) = children_of(process.pid)
        os.kill(first, signal.SIGTERM)
        os.kill(first, signal.SIGINT)
        assert process.wait(SOON) >= 128


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
