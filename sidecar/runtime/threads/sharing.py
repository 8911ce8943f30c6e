"""How threads share a process whose event loop must not wait; set once, before there are any.

Queries run in threads beside the loop. A thread that computes gives Python's lock away only when asked to, after the
switch interval, and then any other thread may get it: with four queries at the default of 5 ms the loop stood still for
200 ms and more, with half a millisecond for 20 to 50.

The allocator of glibc gives each thread an arena of its own, which keeps what a query once needed: 8 to 15 MB for each.
One arena serves all, since most of the time Python's lock lets only one thread allocate.

It also takes large blocks from the kernel and gives them back one by one, with a page fault for every 4 KiB: half of
what reading a request's body costs. Blocks as large as a usual body stay with us instead, while few are free.
"""

import ctypes
import sys

SWITCH_SECONDS = 0.0005
KEPT_BLOCK_BYTES = 4 << 20
KEPT_FREE_BYTES = 8 << 20
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1
"""From glibc's malloc.h."""


def share_process() -> None:
    """Have threads change often and share their memory, as far as the C library knows how."""
    sys.setswitchinterval(SWITCH_SECONDS)
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_ARENA_MAX, 1)
        set_option(_M_MMAP_THRESHOLD, KEPT_BLOCK_BYTES)
        set_option(_M_TRIM_THRESHOLD, KEPT_FREE_BYTES)
