"""Queues of Celery: the lists and the hash of kombu's Redis transport.

Keys as in kombu/transport/redis.py: `Channel._q_for_pri` gives the list of a priority, `global_keyprefix` stands before
every key, and the messages that workers have taken and not acknowledged are fields of the hash `unacked_key`. That is
one hash for all queues of a database, so it is shown as a queue of its own: sums over queues count it once.
"""

from collections.abc import Iterable

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import CeleryQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, Number


def numbers(queue: CeleryQueueConfig) -> Iterable[Number]:
    """Return what waits, over all priorities, and what is taken and not acknowledged."""
    base = queue.prefix + queue.name
    lists = (f"{base}{queue.separator}{step}" if step else base for step in queue.priorities)
    yield Number(DEPTH, "ready", tuple(Question("LLEN", key) for key in dict.fromkeys(lists)))
    unacked = queue.prefix + queue.unacked
    yield Number(DEPTH, "unacked", (Question("HLEN", unacked),), queue=unacked)
