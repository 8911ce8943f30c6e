"""Statements that drivers, pools and mappers send of themselves, and no app asked for.

They check and reset connections, agree on settings, and look up types and tables in the catalogue.
"""

import re
from collections.abc import Sequence

LOOKED_AT = 2048
"""Bytes of a statement that are looked at."""
_FUNCTIONS = (
    r"version|current_schema|current_schemas|current_database|current_user|current_catalog|pg_backend_pid"
    r"|pg_is_in_recovery|pg_advisory_unlock_all|schema_name|database|connection_id|db_name|txid_current_if_assigned"
)
_CALL = rf"(?:pg_catalog\.)?(?:{_FUNCTIONS})(?:\(\s*(?:true|false)?\s*\))?"
_CONSTANT = r"(?:\d+|\?|'[^']*'|@@[\w.]+|CAST\([^()]*(?:\(\d+\))?[^()]*\))"
_NAMED = r"(?:\s+AS\s+\"?\w+\"?)?"
_NOTHING = r"(?:\s+FROM\s+(?:DUAL|SYSIBM\.SYSDUMMY1|RDB\$DATABASE))?"
_CATALOGUE = (
    r"(?:pg_catalog\.)?pg_(?:type|attribute|attrdef|class|namespace|range|enum|index|constraint|settings|database|roles"
    r"|authid|collation|extension)\b|information_schema\.|sys\.(?:tables|columns|schemas|databases|types)\b|sqlite_master\b"
)
_FORMS = (
    rf"SELECT\s+(?:{_CALL}|{_CONSTANT}){_NAMED}(?:\s*,\s*(?:{_CALL}|{_CONSTANT}){_NAMED})*+{_NOTHING}",
    r"VALUES\s*\(?\s*1\s*\)?",
    r"SET\s+(?!(?:LOCAL|STATEMENT)\b)(?:(?!\bSELECT\b)[^;])*+",
    r"IF\s+@@TRANCOUNT\s*>\s*0\s+(?:COMMIT|ROLLBACK)(?:\s+TRAN(?:SACTION)?)?",
    r"(?:SHOW|RESET|DISCARD|PRAGMA|USE|ALTER\s+SESSION\s+SET)\s[^;]*+",
    r"DO\s+\$\$[^$]*\bUNLISTEN\b[^$]*\$\$|CLOSE\s+ALL|UNLISTEN\s+\*|DEALLOCATE\s+ALL|EXEC(?:UTE)?\s+sp_reset_connection",
    r"WITH\s+RECURSIVE\s+typeinfo_tree\b[^;]*+",
    rf"SELECT\b(?:(?!\bFROM\b)[^;])*\bFROM\s+(?:{_CATALOGUE})[^;]*+",
)
_COMMENT = r"(?:\s|/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/|--[^\n]*+(?:\n|\Z))*+"


def _only(forms: Sequence[str]) -> re.Pattern[bytes]:
    """Return what consists of statements of these forms."""
    return re.compile(rf"(?i){_COMMENT}(?:(?:{'|'.join(forms)}){_COMMENT}(?:;{_COMMENT}|\Z))*+\Z".encode())


_OWN, _OWN_OR_CATALOGUE = _only(_FORMS[:-1]), _only(_FORMS)
_MAY_BE_OWN = re.compile(
    rb"(?i)(?!SELECT\s)|SELECT\s+(?:[\d?'@]|CAST|version|current_|schema_name|database|connection_id|db_name|txid_)"
)
_COMMANDS = {
    "redis": frozenset(
        ("AUTH", "CLIENT", "CLUSTER", "COMMAND", "HELLO", "INFO", "PING", "QUIT", "READONLY", "ROLE", "SELECT")
    ),
    "memcached": frozenset(("VERSION", "QUIT", "STATS")),
    "mongodb": frozenset(
        (
            "HELLO",
            "ISMASTER",
            "PING",
            "BUILDINFO",
            "ENDSESSIONS",
            "SASLSTART",
            "SASLCONTINUE",
            "GETNONCE",
            "AUTHENTICATE",
        )
    ),
}
_ANY_CACHE = _COMMANDS["redis"]


def is_statement_of_driver(statement: bytes) -> bool:
    """Whether `statement`, at most as long as is looked at, is nothing but what a driver sends of itself."""
    if not statement.strip(b" ;\n"):
        return bool(statement)
    if b"pg_" in statement or b"_schema" in statement or b"sys" in statement or b"sqlite_" in statement:
        return _OWN_OR_CATALOGUE.match(statement) is not None
    return _MAY_BE_OWN.match(statement) is not None and _OWN.match(statement) is not None


def is_command_of_driver(system: str, operation: str, *, is_cache: bool) -> bool:
    """Whether a client of `system` calls `operation` without having been asked to."""
    return operation.upper() in _COMMANDS.get(system, _ANY_CACHE if is_cache else frozenset())
