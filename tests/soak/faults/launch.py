"""Becomes another program, pinned to a core, in a mount namespace of its own.

    python -m tests.soak.faults.launch JSON

JSON is a `Launch`. What is mounted is seen by that program alone, and is gone when it ends. Needs root.
"""

import ctypes
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CLONE_NEWNS = 0x00020000
MS_BIND = 1 << 12
MS_PRIVATE_RECURSIVE = 1 << 18 | 1 << 14
RESOLVER = "/etc/resolv.conf"


class Launch(NamedTuple):
    """What to become, and where: `fuse` is a descriptor of /dev/fuse, and the folder to mount its file system at."""

    command: Sequence[str]
    core: int
    fuse: tuple[int, str]
    resolver: str
    """File that stands in for RESOLVER."""
    environment: Mapping[str, str]
    """What only the program gets, not this one."""


def words(launch: Launch) -> list[str]:
    """Return the command that carries out `launch`."""
    return [sys.executable, "-m", "tests.soak.faults.launch", json.dumps(launch)]


def become(launch: Launch) -> None:
    """Carry it out; does not return."""
    os.sched_setaffinity(0, {launch.core})
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS))
    _check(libc.mount(None, b"/", None, MS_PRIVATE_RECURSIVE, None))
    _check(libc.mount(launch.resolver.encode(), RESOLVER.encode(), None, MS_BIND, None))
    descriptor, folder = launch.fuse
    options = f"fd={descriptor},rootmode=40000,user_id=0,group_id=0,allow_other"
    _check(libc.mount(b"soak", folder.encode(), b"fuse", 0, options.encode()))
    os.close(descriptor)
    os.execvpe(launch.command[0], list(launch.command), os.environ | launch.environment)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    become(Launch(*json.loads(sys.argv[1])))
