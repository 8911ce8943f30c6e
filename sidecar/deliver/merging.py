"""Bodies that go to the upstream in one request: OTLP requests in protobuf, one after the other, are a request."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from sidecar.deliver.entry import Entry
from sidecar.model.forward import PROTOBUF, ForwardBody

_PASSED = 64
"""Bodies that are passed over, at most, in search of some that fit."""


class Merging(NamedTuple):
    """What goes in one request: so much, of what comes within so many seconds of the first body.

    An upstream takes 1 MB in a request by the most common defaults, nginx' and gRPC's among them.
    """

    max_bytes: int = 512 << 10
    max_bodies: int = 256
    wait_seconds: float = 0.05


MERGING = Merging()


def may_be_merged(entry: Entry) -> bool:
    """Return whether a body may go together with others: not in JSON, nor after it went in vain."""
    return entry.body.content_type == PROTOBUF and not entry.tries.number


def take_along(first: Entry, line: deque[Entry], max_bytes: float, max_bodies: int) -> list[Entry]:
    """Take out of `line` and return what goes in one request with `first`, in its order and so much of it.

    None overtakes another one of its signal.
    """
    taken: list[Entry] = []
    passed: list[Entry] = []
    while line and len(taken) < max_bodies and len(passed) < _PASSED:
        entry = line.popleft()
        if entry.body.signal != first.body.signal:
            passed.append(entry)
        elif entry.size <= max_bytes and may_be_merged(entry) and entry.body.is_masked == first.body.is_masked:
            taken.append(entry)
            max_bytes -= entry.size
        else:
            passed.append(entry)
            break
    line.extendleft(reversed(passed))
    return taken


def joined(entries: Sequence[Entry]) -> ForwardBody:
    """Return one body of all."""
    first = entries[0].body
    return first if len(entries) == 1 else first._replace(body=b"".join(entry.body.body for entry in entries))


def in_halves(entries: Sequence[Entry]) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Return the first and the second half of several."""
    middle = len(entries) // 2
    return entries[:middle], entries[middle:]
