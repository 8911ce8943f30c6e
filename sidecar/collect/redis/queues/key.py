"""Queues that are one key of a plain type."""

from collections.abc import Iterable

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.queue_config import KeyQueueConfig
from sidecar.collect.redis.queues.number import DEPTH, Number

LENGTHS = {"list": "LLEN", "set": "SCARD", "zset": "ZCARD", "hash": "HLEN"}


def numbers(queue: KeyQueueConfig) -> Iterable[Number]:
    """Return how many entries the key has."""
    yield Number(DEPTH, "length", (Question(LENGTHS[queue.kind], queue.name),))
