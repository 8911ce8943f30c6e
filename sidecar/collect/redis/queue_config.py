"""Configuration of the queues whose depth is shown."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import override

from sidecar.collect.redis.key_config import Name, PlaceConfig


class QueueConfig(PlaceConfig):
    """What every kind of queue has."""

    name: Name = Field(description="Name of the queue, as its library knows it; the `queue` label.")

    @property
    def label(self) -> str:
        """What tells this queue from others of its kind and database."""
        return self.name


class CeleryQueueConfig(QueueConfig):
    """A queue of Celery, which is kombu's Redis transport."""

    kind: Literal["celery"]
    priorities: tuple[int, ...] = Field(
        (0, 3, 6, 9), min_length=1, max_length=256, description="`priority_steps` of the transport options."
    )
    separator: str = Field(
        "\x06\x16", max_length=20, description="`sep` of the transport options, between name and priority."
    )
    prefix: str = Field("", max_length=100, description="`global_keyprefix` of the transport options.")
    unacked: Name = Field("unacked", description="`unacked_key` of the transport options.")

    @property
    @override
    def label(self) -> str:
        """The key of the list that has no priority."""
        return self.prefix + self.name


class RqQueueConfig(QueueConfig):
    """A queue of RQ, with its registries."""

    kind: Literal["rq"]


class ArqQueueConfig(QueueConfig):
    """A queue of arq."""

    kind: Literal["arq"]
    name: Name = Field("arq:queue", description="`queue_name` of the worker; the `queue` label.")


class BullmqQueueConfig(QueueConfig):
    """A queue of BullMQ or Bull."""

    kind: Literal["bullmq"]
    prefix: str = Field("bull", min_length=1, max_length=100, description="`prefix` of the queue's options.")

    @property
    @override
    def label(self) -> str:
        """The name, after the prefix where it is not the usual one."""
        return self.name if self.prefix == "bull" else f"{self.prefix}:{self.name}"


class StreamQueueConfig(QueueConfig):
    """A stream that a consumer group works off."""

    kind: Literal["stream"]
    group: Name | None = Field(None, description="Consumer group; empty: only the length of the stream.")


class KeyQueueConfig(QueueConfig):
    """A list, set, sorted set or hash that something uses as a queue."""

    kind: Literal["list", "set", "zset", "hash"]


AnyQueueConfig = Annotated[
    CeleryQueueConfig | RqQueueConfig | ArqQueueConfig | BullmqQueueConfig | StreamQueueConfig | KeyQueueConfig,
    Field(discriminator="kind"),
]


def twice(queues: Sequence[AnyQueueConfig]) -> str | None:
    """Return the label of a queue that is configured twice, if there is one."""
    seen: set[tuple[object, ...]] = set()
    for queue in queues:
        identity = (queue.kind, queue.db, queue.label, getattr(queue, "group", None))
        if identity in seen:
            return queue.label
        seen.add(identity)
    return None
