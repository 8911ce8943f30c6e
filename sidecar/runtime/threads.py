"""How threads share a process whose event loop must not wait; set once, before there are any.

Queries run in threads beside the loop. A thread that computes gives Python's lock away only when asked to, after the
switch interval, and then any other thread may get it: with four queries at the default of 5 ms the loop stood still for
200 ms and more, with half a millisecond for 20 to 50.

The allocator of glibc gives each thread an arena of its own, which keeps what a query once needed: 8 to 15 MB for each.
One arena serves all, since most of the time Python's lock lets only one thread allocate.
"""

import ctypes
import sys

SWITCH_SECONDS = 0.0005
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def share_process() -> None:
    """Have threads change often and share their memory, as far as the C library knows how."""
    sys.setswitchinterval(SWITCH_SECONDS)
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_ARENA_MAX, 1)
