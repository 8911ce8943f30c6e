"""Threads change often and share their memory."""

import subprocess
import sys

import pytest

from sidecar.runtime.threads.sharing import SWITCH_SECONDS

SCRIPT = """
import sys, threading
from sidecar.runtime.threads.sharing import share_process

def heaps():
    # An arena of a thread is a mapping that it may fill up to 64 MiB, most of it closed at first.
    sizes = [line.split()[0].split("-") for line in open("/proc/self/maps") if "---p" in line]
    return sum((1 << 25) < int(end, 16) - int(start, 16) < (1 << 26) for start, end in sizes)

before = heaps()
if sys.argv[1] == "shared":
    share_process()
barrier = threading.Barrier(5)

def work():
    kept = [bytes(3000) for _ in range(100)]
    barrier.wait()
    barrier.wait()

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
barrier.wait()
print(heaps() - before, sys.getswitchinterval())
barrier.wait()
"""


def told(how: str) -> tuple[int, float]:
    """Return how many arenas four threads have of their own, and the switch interval."""
    output = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True).stdout
    arenas, interval = output.split()
    return int(arenas), float(interval)


def test_threads_share_one_arena_and_change_often() -> None:
    arenas, interval = told("shared")
    assert arenas == 0
    assert interval == pytest.approx(SWITCH_SECONDS)


def test_without_it_each_has_its_own_and_keeps_the_lock_for_longer() -> None:
    arenas, interval = told("alone")
    if not arenas:
        pytest.skip("this C library has no arenas")
    assert interval > SWITCH_SECONDS
