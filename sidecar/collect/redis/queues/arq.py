"""Queues of arq: one sorted set, whose scores are when a job is due.

As in arq/worker.py (`_poll_iteration`): the score is a Unix time in milliseconds, and a job stays in the set while it
runs. The keys that say so are one for each job, so running jobs count as queued here.
"""

from collections.abc import Iterable, Sequence

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import ArqQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, OLDEST_AGE, Number
from sidecar.collect.redis.section import Reply, decimal_of, items_of, text_of


def numbers(queue: ArqQueueConfig, now: float) -> Iterable[Number]:
    """Return the jobs that are due, those that are not yet, and for how long the first one has been due."""
    now_ms = round(now * 1000)

    def overdue(replies: Sequence[Reply]) -> float | None:
        first = items_of(replies[0])
        due_ms = decimal_of(text_of(first[1])) if len(first) > 1 else now * 1000
        return None if due_ms is None else max(0.0, now - due_ms / 1000)

    yield Number(DEPTH, "queued", (Question("ZCOUNT", queue.name, ("-inf", now_ms)),))
    yield Number(DEPTH, "deferred", (Question("ZCOUNT", queue.name, (f"({now_ms}", "+inf")),))
    yield Number(OLDEST_AGE, "queued", (Question("ZRANGE", queue.name, (0, 0, "WITHSCORES")),), overdue)
