"""One number about a queue."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sidecar.collect.redis.question import Question
from sidecar.collect.redis.section import Reply
from sidecar.model.family import Family, MetricType

_LABELS = ("db", "group", "kind", "queue", "state")

DEPTH = Family(
    "sidecar_queue_depth",
    MetricType.GAUGE,
    "Entries of a configured queue by state, in the words of its library; 0 when its key is gone.",
    _LABELS,
)
OLDEST_AGE = Family(
    "sidecar_queue_oldest_age_seconds",
    MetricType.GAUGE,
    "Age of the oldest entry of a configured queue in that state; 0 when there is none.",
    _LABELS,
)


def total(replies: Sequence[Reply]) -> float | None:
    """Return the sum of what was counted; a key that is gone counts 0."""
    return float(sum(reply for reply in replies if isinstance(reply, int)))


class Number(NamedTuple):
    """A number about the `state` of a queue: what is asked for it, and how it follows from the replies in that order.

    `of` returns None for what cannot be known, and raises CommandError where the queue is not what it was said to be.
    A sum is also one over what a node of a cluster has of its keys; all else takes all of the replies. `queue` is the
    label where it is not the queue's own.
    """

    family: Family
    state: str
    questions: tuple[Question, ...]
    of: Callable[[Sequence[Reply]], float | None] = total
    queue: str = ""

    @property
    def is_sum(self) -> bool:
        """Whether the number is had from any of the replies."""
        return self.of is total
