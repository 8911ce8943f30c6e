"""What a client span says about a database or cache: an operation, or getting a connection."""

import re
from typing import NamedTuple

from sidecar.derive.label_values import Attributes, first_of
from sidecar.fingerprint.literals import Quoting
from sidecar.fingerprint.redis_command import COMMANDS, is_command
from sidecar.fingerprint.statements_of_drivers import LOOKED_AT, is_command_of_driver, is_statement_of_driver
from sidecar.fingerprint.systems import CACHES, name_of, quoting_of

SYSTEM = ("db.system.name", "db.system")
OPERATION = ("db.operation.name", "db.operation")
COLLECTION = ("db.collection.name", "db.sql.table", "db.mongodb.collection")
NAMESPACE = ("db.namespace", "db.name")
TEXT = ("db.query.text", "db.statement")
"""Of these the first word matters, and whether the driver sent it of itself."""
BATCH_SIZE = ("db.operation.batch.size", "db.redis.pipeline_length", "db.redis.num_cmd")
"""Whether there is one matters, not how large it is."""
NONE = "(none)"
_DRIVER = "(driver)"

_SQL_TEXT = (
    "SELECT INSERT UPDATE DELETE MERGE UPSERT REPLACE WITH CALL EXEC EXECUTE CREATE ALTER DROP TRUNCATE BEGIN START "
    "COMMIT ROLLBACK SAVEPOINT RELEASE EXPLAIN GRANT REVOKE COPY LOCK VACUUM ANALYZE SHOW USE DECLARE FETCH VALUES "
    "LISTEN NOTIFY SET"
)
_SQL = frozenset(_SQL_TEXT.split())
_APPS = frozenset((b"INSERT", b"UPDATE", b"DELETE", b"BEGIN", b"COMMIT", b"GET", b"HGET", b"FIND"))
"""Some first words of which no driver sends anything of itself, so that nothing more need be looked at."""
_MANY = ("BATCH", "PIPELINE", "MULTI")
"""Words before the name of an operation that was called several times at once."""
_ACQUIRING = frozenset(("acquire", "getconnection", "get_connection"))
_CONNECTING = frozenset(("connect", "reconnect", "connection", "reset_session", "__construct"))
_ALONE = {"checkout": True, "take": True, "borrow": True, "open": False}
"""Whether these acquire, if nothing stands before them: `indices.open` of Elasticsearch asks for something."""
_BEGIN = frozenset(("begin_tx", "begintx", "begintransaction", "begin_transaction", "starttransaction"))
_HANDLING = frozenset(("ping", "prepare", "rows"))
"""What drivers do with connections and results, told in spans of its own beside the one of the query."""
_WORD_LENGTH = 20
_WORD = re.compile(rb"([A-Za-z_]{1,20})(?![\w.])")
_FIRST_WORD = re.compile(
    rb"(?:/\*(?:[^*]|\*(?!/))*+\*/|--[^\n]*+(?:\n|\Z)|[^A-Za-z/-]|/(?!\*)|-(?!-))*+([A-Za-z_]{1,20})(?![\w.])"
)
_AFTER_SETTINGS = re.compile(rb"(?i)\s*+(?:SET\s[^;]*+;\s*+)++([a-z]{1,20})(?![\w.])")
"""Settings for the statement that follows, as Entity Framework sends them with it."""
_PARTS = re.compile(r"[\s:.\-]+")


class DatabaseCall(NamedTuple):
    """The database side of a client span; `collection` is empty where the instrumentation does not say."""

    system: str
    operation: str
    collection: str


class DatabaseSpan(NamedTuple):
    """What a span says about a database.

    `call` is None where it got a connection and asked nothing: `acquires` then tells waiting for one of a pool from
    opening one. `is_batch` says whether several operations were sent in one, `by_driver` that no app asked for it.
    """

    system: str
    call: DatabaseCall | None
    acquires: bool = False
    is_batch: bool = False
    by_driver: bool = False


def gist(value: bytes) -> bytes:
    """Return of a statement, as an attribute's value in wire form, what spans are told apart by: its first word.

    Of one that a driver sends of itself that is `(driver)`.
    """
    text = _text_of(value)[:LOOKED_AT]
    match = _WORD.match(text) or _FIRST_WORD.match(text)
    word = match[1].upper() if match else text[:1]
    if word not in _APPS and text and is_statement_of_driver(text[match.start(1) :] if match else text):
        return _DRIVER.encode()
    after_settings = _AFTER_SETTINGS.match(text) if word == b"SET" else None
    return after_settings[1].upper() if after_settings else word


def database_span(attributes: Attributes, name: str) -> DatabaseSpan | None:
    """Return what `attributes` and the span's `name` say about a database or cache; None if nothing."""
    said = first_of(attributes, SYSTEM)
    if not said:
        return None
    system = name_of(said)
    text, operation = first_of(attributes, TEXT), first_of(attributes, OPERATION)
    *before, last = _PARTS.split((operation or name).strip().lower())
    gets_connection = last in _ACQUIRING or last in _CONNECTING or (last in _ALONE and not before)
    if gets_connection and not text:
        acquires = last in _ACQUIRING or _ALONE.get(last, False) or "pool" in name.lower()
        return DatabaseSpan(system, None, acquires=acquires)
    is_batch = any(key in attributes for key in BATCH_SIZE) or operation.upper().startswith(_MANY[:2])
    word = _operation_of(system, operation, text, name, is_batch=is_batch)
    is_handling = not operation and not text and last in _HANDLING
    is_cache = system in CACHES  # their SET is no setting of a connection
    is_of_driver = text == _DRIVER and not is_cache
    by_driver = is_of_driver or is_handling or is_command_of_driver(system, word, is_cache=is_cache)
    call = DatabaseCall(system, word, first_of(attributes, COLLECTION))
    return DatabaseSpan(system, call, is_batch=is_batch, by_driver=by_driver)


def _operation_of(system: str, operation: str, text: str, name: str, *, is_batch: bool) -> str:
    if operation:
        words = operation.split(maxsplit=2)
        several = len(words) > 1 and words[0].upper() in _MANY
        return _shown(system, words[1 if several else 0])
    if is_batch and system in CACHES:
        return "PIPELINE"
    if system in CACHES and text not in COMMANDS and is_command(name):
        return name.split(maxsplit=1)[0].upper()
    words = _PARTS.split(name.strip())
    if not text and words[-1].lower() in _BEGIN:
        return "BEGIN"
    known = COMMANDS if system in CACHES else _SQL
    for word in (text, *words[:5]):
        if word.upper() in known:
            return word.upper()
    if text.isalpha() and system not in CACHES:
        return _shown(system, text)
    # asyncpg's and redis' instrumentations say the operation only in the span's name
    word = name.split(maxsplit=1)[0] if name.strip() else ""
    return word if word.isalpha() and len(word) <= _WORD_LENGTH else NONE


def _shown(system: str, word: str) -> str:
    """Return the name of an operation: that of SQL and of caches does not depend on case."""
    upper = word.upper()
    return upper if upper in _SQL or system in CACHES or quoting_of(system) is not Quoting.UNSURE else word


def _text_of(value: bytes) -> bytes:
    """Return the string in the value field of a KeyValue message; nothing if it is none."""
    start = _after_length(value, 1)
    return value[_after_length(value, start + 1) :] if value[start : start + 1] == b"\x0a" else b""


def _after_length(value: bytes, place: int) -> int:
    """Return the place after the varint at `place`."""
    while place < len(value) and value[place] & 0x80:
        place += 1
    return place + 1
