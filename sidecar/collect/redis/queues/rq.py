"""Queues of RQ: a list, and a sorted set for each registry.

Keys as in rq/queue.py (`redis_queue_namespace_prefix`) and rq/registry.py (`key_template`); the registry of started
jobs is called `wip` there. An entry that has run out stays in its registry until RQ itself cleans up.
"""

from collections.abc import Iterable

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import RqQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, Number

REGISTRIES = {
    "started": "wip",
    "deferred": "deferred",
    "scheduled": "scheduled",
    "finished": "finished",
    "failed": "failed",
    "canceled": "canceled",
}


def numbers(queue: RqQueueConfig) -> Iterable[Number]:
    """Return what waits, and what each registry holds."""
    yield Number(DEPTH, "queued", (Question("LLEN", f"rq:queue:{queue.name}"),))
    for state, registry in REGISTRIES.items():
        yield Number(DEPTH, state, (Question("ZCARD", f"rq:{registry}:{queue.name}"),))
