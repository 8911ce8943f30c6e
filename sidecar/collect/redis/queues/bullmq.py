"""Queues of BullMQ, and of Bull: a list or sorted set for each state.

Keys as in src/classes/queue-keys.ts, types as in src/commands/getCounts-1.lua. Up to version 4 a marker, which starts
with `0:`, stands at the end of a list whose jobs wait; it is no job.
"""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import BullmqQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, Number, total
from sidecar.collect.redis.section import Reply

WAITING = ("wait", "paused")
SORTED = ("prioritized", "delayed", "waiting-children", "completed", "failed")


def numbers(queue: BullmqQueueConfig) -> Iterable[Number]:
    """Return what each state holds."""
    base = f"{queue.prefix}:{queue.name}"
    for state in WAITING:
        key = f"{base}:{state}"
        yield Number(DEPTH, state, (Question("LLEN", key), Question("LINDEX", key, (-1,))), _without_marker)
    yield Number(DEPTH, "active", (Question("LLEN", f"{base}:active"),))
    for state in SORTED:
        yield Number(DEPTH, state, (Question("ZCARD", f"{base}:{state}"),))


def _without_marker(replies: Sequence[Reply]) -> float | None:
    length, last = replies
    marked = isinstance(last, bytes) and last.startswith(b"0:")
    return total([length]) if not marked or not isinstance(length, int) else float(length - 1)
