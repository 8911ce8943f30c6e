"""Which statements are shown, and what the others sum up to."""

from collections.abc import Collection, Hashable, Mapping
from heapq import nlargest
from operator import add, lt, sub
from typing import NamedTuple, TypeVar

REMEMBERED = 10_000
"""Statements once shown, and databases, that are remembered after they are gone."""

ENTRY_SHARE = 0.8
"""Share of the places that a statement must be within to be shown; within all of them it stays."""

K = TypeVar("K", bound=Hashable)


class Statement(NamedTuple):
    """What tells one row of pg_stat_statements from the others; names may change, these do not."""

    user_id: int
    database_id: int
    query_id: int


class Numbers(NamedTuple):
    """Counters of one statement, or of several together."""

    calls: float
    seconds: float
    rows: float
    block_read_seconds: float
    block_write_seconds: float
    temp_blocks: float


ZERO = Numbers(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class Shown(NamedTuple):
    """Counters to expose: of statements, and by database id of all others together."""

    statements: Mapping[Statement, Numbers]
    others: Mapping[int, Numbers]


class Statements:
    """Chooses the `most` statements that took most of the time or of the temporary blocks, and counts the others.

    Who is shown stays until it is clearly out, so that series do not come and go. The increases of all series add up
    to what was executed, whoever is shown at the time:

    - A statement that comes to be shown starts with the server's numbers; what it did until then has gone to the
      others. While it is out again its increase goes there too, and back in it goes on where it stopped.
    - One that is new has done all it says since the last time. Numbers that fell were reset, and count from zero.
    - After the server restarted, or another took its place, its numbers are only what the next ones are compared with.
    - The others start from 0 and never fall.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._origin: object = None
        self._numbers: Mapping[Statement, Numbers] = {}
        self._members: set[Statement] = set()
        # The ones of this time are at the end, so that who is gone for long falls out at the front.
        self._shown: dict[Statement, Numbers] = {}
        self._others: dict[int, Numbers] = {}

    def feed(self, numbers: Mapping[Statement, Numbers], origin: object) -> Shown:
        """Return what to expose; `origin` is anything that differs when the numbers are another server's."""
        members = _chosen(numbers, self._members, self._most)
        if origin == self._origin:
            self._count(numbers, members & self._members)
        for statement in members:
            self._shown[statement] = self._shown.pop(statement, numbers[statement])
        databases = {statement.database_id for statement in numbers}
        for database in databases:
            self._others[database] = self._others.pop(database, ZERO)
        self._origin, self._numbers, self._members = origin, numbers, members
        _forget(self._shown)
        _forget(self._others)
        return Shown(
            {statement: self._shown[statement] for statement in members},
            {database: self._others[database] for database in databases},
        )

    def _count(self, numbers: Mapping[Statement, Numbers], stayed: Collection[Statement]) -> None:
        """Add what was done since the last time to those that `stayed` shown and to the others."""
        for statement, now in numbers.items():
            before = self._numbers.get(statement, ZERO)
            if now == before:
                continue
            if statement in stayed:
                self._shown[statement] = _continued(self._shown[statement], before, now)
            else:
                others = self._others.get(statement.database_id, ZERO)
                self._others[statement.database_id] = _sum(others, _increase(before, now))


def _chosen(numbers: Mapping[Statement, Numbers], members: Collection[Statement], most: int) -> set[Statement]:
    """Return who is shown: the first ones by share of all time or of all temporary blocks, whichever is more."""
    seconds = sum(each.seconds for each in numbers.values()) or 1.0
    blocks = sum(each.temp_blocks for each in numbers.values()) or 1.0
    shares = (
        (max(each.seconds / seconds, each.temp_blocks / blocks), statement) for statement, each in numbers.items()
    )
    first = [statement for _, statement in nlargest(most, shares)]
    entered = max(1, int(most * ENTRY_SHARE))
    return {*first[:entered], *(statement for statement in first[entered:] if statement in members)}


def _was_reset(before: Numbers, now: Numbers) -> bool:
    return any(map(lt, now, before))


def _increase(before: Numbers, now: Numbers) -> Numbers:
    return now if _was_reset(before, now) else Numbers(*map(sub, now, before))


def _sum(one: Numbers, other: Numbers) -> Numbers:
    return Numbers(*map(add, one, other))


def _continued(shown: Numbers, before: Numbers, now: Numbers) -> Numbers:
    """Return what to show next; after a reset a number that fell reads as a reset, one that did not must grow by it."""
    if _was_reset(before, now):
        return Numbers(*(new if new < old else old + new for old, new in zip(shown, now, strict=True)))
    return _sum(shown, _increase(before, now))


def _forget(values: dict[K, Numbers]) -> None:
    for key in list(values)[: max(0, len(values) - REMEMBERED)]:
        del values[key]
