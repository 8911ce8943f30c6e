"""Depth of the configured queues: 0 when a key is gone, nothing when the server does not tell."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, assert_never

from sidecar.collect.config import Preset
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.found import Found
from sidecar.collect.redis.question import (
    Placed,
    Question,
    Replies,
    ask_all,
    database_label,
    database_of,
    pattern_of,
    refusals,
    rules_for,
)
from sidecar.collect.redis.queue_config import (
    AnyQueueConfig,
    ArqQueueConfig,
    BullmqQueueConfig,
    CeleryQueueConfig,
    KeyQueueConfig,
    RqQueueConfig,
    StreamQueueConfig,
)
from sidecar.collect.redis.queues import arq, bullmq, celery, key, rq, stream
from sidecar.collect.redis.queues.number import DEPTH, OLDEST_AGE, Number
from sidecar.collect.redis.section import Ask, CommandError, CommandSection, ElsewhereError, RedisServer, Refused
from sidecar.model.family import FamilySamples

FAMILIES = (DEPTH, OLDEST_AGE)


class _Asked(NamedTuple):
    """A queue, the number of its database, and what is asked about it."""

    queue: AnyQueueConfig
    database: int
    numbers: tuple[Number, ...]


async def collect(ask: Ask, server: RedisServer) -> Iterable[FamilySamples | Refused]:
    """Ask about all queues at once; about a stream's group only when the stream is there."""
    asked = [_asked(queue, server) for queue in server.config.queues]
    existence = await ask_all(ask, server, [placed for one in asked if (placed := _existence(one))])
    gone = {placed for placed, reply in existence.items() if reply == 0}
    present = [one for one in asked if _existence(one) not in gone]
    replies = await ask_all(ask, server, [placed for one in present for placed in _questions(one)])
    found = Found()
    for one in asked:
        for number in one.numbers:
            value = _value(one, number, replies, found) if one in present else 0.0
            found.add(number.family, _labels(one, number), value)
    # After what the kinds say themselves, which tells more.
    known = {refused.key for refused in found.refused}
    found.refused += [refused for refused in refusals({**existence, **replies}) if refused.key not in known]
    return found.everything()


def numbers_of(queue: AnyQueueConfig, now: float) -> Iterable[Number]:
    """Return the numbers that there are about `queue`."""
    match queue:
        case CeleryQueueConfig():
            return celery.numbers(queue)
        case RqQueueConfig():
            return rq.numbers(queue)
        case ArqQueueConfig():
            return arq.numbers(queue, now)
        case BullmqQueueConfig():
            return bullmq.numbers(queue)
        case StreamQueueConfig():
            return stream.numbers(queue, now)
        case KeyQueueConfig():
            return key.numbers(queue)
    assert_never(queue)


def permissions(config: RedisConfig) -> Sequence[str]:
    """Return the ACL rules for the commands and keys of the configured queues."""
    asked = [question for queue in config.queues for number in numbers_of(queue, 0.0) for question in number.questions]
    asked += [Question("EXISTS", queue.name) for queue in config.queues if _has_group(queue)]
    return rules_for(
        (pattern_of(str(question.key)) for question in asked),
        (question.verb for question in asked),
        (queue.db for queue in config.queues),
    )


def _asked(queue: AnyQueueConfig, server: RedisServer) -> _Asked:
    return _Asked(queue, database_of(queue.db, server), tuple(numbers_of(queue, server.now)))


def _has_group(queue: AnyQueueConfig) -> bool:
    return isinstance(queue, StreamQueueConfig) and queue.group is not None


def _existence(one: _Asked) -> Placed | None:
    return (one.database, Question("EXISTS", one.queue.name)) if _has_group(one.queue) else None


def _questions(one: _Asked) -> Iterable[Placed]:
    return [(one.database, question) for number in one.numbers for question in number.questions]


def _value(one: _Asked, number: Number, replies: Replies, found: Found) -> float | None:
    """Return the number; None when a question of it was refused, or the queue is not what it was said to be.

    Of a sum, as over Celery's lists, other nodes of a cluster may have a part: this one tells of its own.
    """
    answers = [replies[one.database, question] for question in number.questions]
    here = [answer for answer in answers if not (number.is_sum and isinstance(answer, ElsewhereError))]
    known = [answer for answer in here if not isinstance(answer, CommandError)]
    try:
        return number.of(known) if known and len(known) == len(here) else None
    except CommandError as error:
        found.refused.append(Refused(one.queue.name, error))
        return None


def _labels(one: _Asked, number: Number) -> dict[str, str]:
    # Queues of a database share what Celery has not acknowledged: one series for all.
    return {
        "db": database_label(one.database),
        "group": getattr(one.queue, "group", None) or "",
        "kind": one.queue.kind,
        "queue": number.queue or one.queue.label,
        "state": number.state,
    }


SECTION = CommandSection(
    "queues",
    FAMILIES,
    collect,
    permissions,
    applies=lambda server: bool(server.config.queues),
    preset=Preset.MINIMAL,
)
