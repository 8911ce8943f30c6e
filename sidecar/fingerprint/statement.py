"""The normal form of what a client sends to a database, whichever it is."""

import re

from sidecar.fingerprint import document, redis_command, sql
from sidecar.fingerprint.literals import Quoting
from sidecar.fingerprint.systems import CACHES, name_of, quoting_of

_SQL = re.compile(
    r"(?i)\s*+(?:/\*|--|\(|(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|CALL|EXECUTE|CREATE|ALTER|DROP|TRUNCATE|BEGIN|START|COMMIT"
    r"|ROLLBACK|SAVEPOINT|RELEASE|EXPLAIN|GRANT|REVOKE|COPY|LOCK|VACUUM|ANALYZE|SHOW|USE|DECLARE|FETCH|VALUES|REPLACE"
    r"|UPSERT|LISTEN|NOTIFY|DO|FROM|PRAGMA|ATTACH|DETACH|REINDEX|CHECKPOINT|CLOSE|PREPARE|DEALLOCATE|COMMENT|REFRESH|END"
    r"|ABORT|UNLISTEN|UNLOCK|OPTIMIZE|DESCRIBE|DESC|KILL|TABLE)\b)"
)
_CYPHER = re.compile(r"(?i)\s*+(?:OPTIONAL\s+MATCH|MATCH|UNWIND)\s*[(\[$]")


def normalised(system: str, text: str) -> str:
    """Return `text` without its values: equal for calls that differ in nothing else.

    What no system is known for is read as SQL, a document or a command, and in doubt as a value.
    """
    if name_of(system) in CACHES:
        return redis_command.normalised(text)
    if document.is_document(text):
        return document.normalised(text)
    quoting = quoting_of(system)
    if quoting is Quoting.UNSURE and not _SQL.match(text):
        if redis_command.is_command(text):
            return redis_command.normalised(text)
        quoting = Quoting.UNSURE_TEXT
    return sql.normalised(text, quoting)


def masked(text: str) -> str:
    """Return `text` without its values where no system is known: as SQL or the like if it looks so, else a command."""
    if document.is_document(text):
        return document.normalised(text)
    if _CYPHER.match(text):
        return sql.normalised(text, Quoting.CYPHER)
    if _SQL.match(text):
        return sql.normalised(text)
    return redis_command.normalised(text)
