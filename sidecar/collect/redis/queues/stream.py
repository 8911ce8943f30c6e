"""Streams that a consumer group works off."""

from collections.abc import Iterable, Mapping, Sequence

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import StreamQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, OLDEST_AGE, Number
from sidecar.collect.redis.section import CommandError, Reply
from sidecar.collect.redis.stream_info import entry_milliseconds, number_in, rows

EARLIEST_TIME_MS = 1e12
"""Streams came in 2018: smaller ids were given by hand and tell no time."""


def numbers(queue: StreamQueueConfig, now: float) -> Iterable[Number]:
    """Return the length; with a group also what it has not read yet, and what it has read and not acknowledged.

    The commands about a group fail when the stream is gone: then they are not to be asked.
    """
    yield Number(DEPTH, "length", (Question("XLEN", queue.name),))
    if queue.group is not None:
        yield from _of_group(queue.name, queue.group, now)


def _of_group(stream: str, group: str, now: float) -> Iterable[Number]:
    def lag(replies: Sequence[Reply]) -> float | None:
        # Null where entries were deleted before the group read them; Redis 6 does not know it at all.
        return number_in(_group_in(replies[0], group), "lag")

    def pending(replies: Sequence[Reply]) -> float | None:
        return number_in(_group_in(replies[0], group), "pending")

    def age(replies: Sequence[Reply]) -> float | None:
        (first,) = replies
        if not isinstance(first, list) or not first:
            return 0.0
        milliseconds = entry_milliseconds(first[0])
        if milliseconds is None or milliseconds < EARLIEST_TIME_MS:
            return None
        return max(0.0, now - milliseconds / 1000)

    groups = (Question("XINFO GROUPS", stream),)
    yield Number(DEPTH, "lag", groups, lag)
    yield Number(DEPTH, "pending", groups, pending)
    yield Number(OLDEST_AGE, "pending", (Question("XPENDING", stream, (group, "-", "+", 1)),), age)


def _group_in(reply: Reply, group: str) -> Mapping[str, Reply]:
    found = [row for row in rows(reply) if row.get("name") == group.encode()]
    if not found:
        raise CommandError(f"the stream has no group `{group}`")
    return found[0]
