"""The settings of a session of ours, whatever server, role and database say: what is read must not depend on them.

Those of the limits are in `session`. What only a superuser may set is not here, and nothing here relies on it.
"""

from collections.abc import Iterable, Mapping

SERVERS_NAMES = "pg_catalog, pg_temp"
"""A search_path with the server's own functions and operators, and nobody else's.

A function that takes exactly what a statement gives goes before the server's that needs a cast. So whoever may create
one in a schema that is searched would run it with our rights. pg_temp would come first if it were not named.
"""

FOR_ALL = {
    # Statements are taken apart here as the standard says, also those of the operator.
    "standard_conforming_strings": "on",
    "escape_string_warning": "off",
    # Notices say nothing to a program, and may hold names that are no text.
    "client_min_messages": "error",
    "exit_on_error": "off",
}
"""Settings of every statement, the operator's too."""

FOR_OURS = {
    "search_path": SERVERS_NAMES,
    "quote_all_identifiers": "off",
    "datestyle": "'ISO, MDY'",
    "intervalstyle": "postgres",
    "timezone": "'UTC'",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    # Our statements are small: a worker or a compiler costs more than it brings.
    "max_parallel_workers_per_gather": "0",
}
"""Settings of our own statements; those of the operator have what role and database have. Others, such as xmloption or
transform_null_equals, are about what our statements do not do."""

NEWER_FOR_ALL = {170000: {"transaction_timeout": "0"}}
NEWER_FOR_OURS = {110000: {"jit": "off"}}
"""The same, by the first version that knows them."""

FOR_SESSION = {
    "default_transaction_read_only": "on",
    # Deferred and serializable, a transaction waits until it can be sure; a replica refuses it.
    "default_transaction_isolation": "'read committed'",
    "default_transaction_deferrable": "off",
}
NEWER_FOR_SESSION = {140000: {"idle_session_timeout": "0"}}
"""Settings that only a session has; a transaction says the same in BEGIN."""

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")

OF_A_TRANSACTION = ("transaction_read_only", "transaction_isolation", "transaction_deferrable")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE"


def all_names() -> Iterable[str]:
    """Return every setting that may have a value of ours, so that `pg_settings` shows it instead of the server's."""
    newer = (NEWER_FOR_ALL, NEWER_FOR_OURS, NEWER_FOR_SESSION)
    named = (FOR_ALL, FOR_OURS, FOR_SESSION, *(settings for by_version in newer for settings in by_version.values()))
    return (*LIMITS, *OF_A_TRANSACTION, *(name for settings in named for name in settings))


def in_session(version: int) -> str:
    """Return SQL that gives a session on a server of `version` its settings."""
    wanted = {**FOR_ALL, **FOR_OURS, **FOR_SESSION}
    for newer in (NEWER_FOR_ALL, NEWER_FOR_OURS, NEWER_FOR_SESSION):
        wanted |= _known(newer, version)
    return _set("SET", wanted)


def in_transaction(version: int, roles: bool) -> str:
    """Return SQL that gives a transaction its settings, with `roles` those of role and database where they may be."""
    ours = FOR_OURS | _known(NEWER_FOR_OURS, version)
    if roles:
        ours = dict.fromkeys(ours, "DEFAULT")
    return _set("SET LOCAL", {**FOR_ALL, **_known(NEWER_FOR_ALL, version), **ours})


def _known(by_version: Mapping[int, Mapping[str, str]], version: int) -> dict[str, str]:
    return {name: value for first, named in by_version.items() if first <= version for name, value in named.items()}


def _set(verb: str, settings: Mapping[str, str]) -> str:
    return "; ".join(f"{verb} {name} = {value}" for name, value in settings.items())
