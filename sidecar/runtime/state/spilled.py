"""The rows of spilled bodies: what is done to them in the worker thread."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sidecar.runtime.state.database import transaction

READ_AT_ONCE = 64
READ_AT_ONCE_BYTES = 4 * 2**20
"""What is read into memory at once; a larger body comes alone."""
PIECE_BYTES = 2**20
"""How much of a body is written at once."""


class Spilled(NamedTuple):
    """A body and what its owner wrote on it; `id` is unique in the queue and gives the order."""

    id: int
    label: str
    body: bytes


class Ticket(NamedTuple):
    """What is known of a body without reading it."""

    label: str
    size: int


class Added(NamedTuple):
    """The bodies that were written, and what had to go to make room."""

    written: list[Spilled]
    dropped: list[Ticket]


class Found(NamedTuple):
    """What is in the file: bytes of everything, bodies that wait by label, and ids of those that are held."""

    bytes: int
    waiting: Counter[str]
    held: list[int]


def add_rows(
    queue: str, bodies: Sequence[Spilled], room_bytes: int, kept: Collection[int], connection: sqlite3.Connection
) -> Added:
    """Write the bodies that are not there yet; when they need more than the room, drop the oldest that is not kept."""
    with transaction(connection):
        written = [body for body in bodies if _insert(queue, body, connection)]
        excess = sum(len(body.body) for body in written) - room_bytes
        dropped: dict[int, Ticket] = {}
        for number, label, size in _listed(queue, connection):
            if excess <= 0:
                break
            if number not in kept:
                dropped[number] = Ticket(label, size)
                excess -= size
        _delete(queue, dropped, connection)
    return Added(written, list(dropped.values()))


def read_rows(queue: str, excluded: Collection[int], max_bytes: int, connection: sqlite3.Connection) -> list[Spilled]:
    """Return the oldest bodies that are not excluded, as many as may be read at once; a larger one alone."""
    max_bytes = min(max_bytes, READ_AT_ONCE_BYTES)
    wanted: list[int] = []
    total = 0
    for number, _, size in _listed(queue, connection):
        if number in excluded:
            continue
        total += size
        if wanted and (total > max_bytes or len(wanted) == READ_AT_ONCE):
            break
        wanted.append(number)
    return [_read_row(queue, number, connection) for number in wanted]


def postpone_row(queue: str, number: int, later: int, connection: sqlite3.Connection) -> None:
    """Give a body another id."""
    connection.execute("UPDATE spilled SET id = ? WHERE queue = ? AND id = ?", (later, queue, number))


def delete_rows(queue: str, numbers: Collection[int], connection: sqlite3.Connection) -> None:
    """Delete bodies; harmless for those that are not there."""
    with transaction(connection):
        _delete(queue, numbers, connection)


def count_rows(queue: str, held: Collection[int], removed: Collection[int], connection: sqlite3.Connection) -> Found:
    """Delete what was removed and return what else there is."""
    delete_rows(queue, removed, connection)
    found = Found(0, Counter(), [])
    total = 0
    for number, label, size in _listed(queue, connection):
        total += size
        if number in held:
            found.held.append(number)
        else:
            found.waiting[label] += 1
    return found._replace(bytes=total)


def _listed(queue: str, connection: sqlite3.Connection) -> sqlite3.Cursor:
    """Return id, label and size of all bodies, oldest first; they are read as the cursor is asked."""
    return connection.execute("SELECT id, label, size FROM spilled WHERE queue = ? ORDER BY id", (queue,))


def _insert(queue: str, body: Spilled, connection: sqlite3.Connection) -> bool:
    """Return whether the body was not there yet."""
    size = len(body.body)
    statement = "INSERT OR IGNORE INTO spilled (id, queue, label, size, body) VALUES (?, ?, ?, ?, zeroblob(?))"
    cursor = connection.execute(statement, (body.id, queue, body.label, size, size))
    if not cursor.rowcount:
        return False
    # Written as a value of the statement it would be copied as a whole, and the interpreter held up meanwhile.
    with connection.blobopen("spilled", "body", cursor.lastrowid or 0) as blob:
        for start in range(0, size, PIECE_BYTES):
            blob.write(memoryview(body.body)[start : start + PIECE_BYTES])
    return True


def _read_row(queue: str, number: int, connection: sqlite3.Connection) -> Spilled:
    statement = "SELECT rowid, label FROM spilled WHERE queue = ? AND id = ?"
    row, label = connection.execute(statement, (queue, number)).fetchone()
    # Read as a column it would be read from the disk while the interpreter is held up.
    with connection.blobopen("spilled", "body", row, readonly=True) as blob:
        return Spilled(number, label, blob.read())


def _delete(queue: str, numbers: Collection[int], connection: sqlite3.Connection) -> None:
    rows = [(queue, number) for number in numbers]
    connection.executemany("DELETE FROM spilled WHERE queue = ? AND id = ?", rows)
