"""Questions about single keys, in whichever database, and what a user has to be allowed to ask them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from sidecar.collect.redis.section import Ask, Command, CommandError, ElsewhereError, RedisServer, Refused, Reply


class Question(NamedTuple):
    """A command about one key; `verb` is the command, with its subcommand if it has one."""

    verb: str
    key: str | bytes
    arguments: tuple[str | bytes | int, ...] = ()


Placed: TypeAlias = tuple[int, Question]
"""A question and the number of the database that it is asked in."""

Replies: TypeAlias = Mapping[Placed, Reply | CommandError]


async def ask_all(ask: Ask, server: RedisServer, questions: Iterable[Placed]) -> Replies:
    """Return the reply to each of `questions`, which go out together; equal ones are asked once.

    Other databases than the connection's own are selected on the way, and left again. Where that is refused, the
    refusal is the reply to all that would have been asked there: it has been asked in another database.
    """
    placed: dict[int, list[Question]] = {server.database: []}
    for database, question in dict.fromkeys(questions):
        placed.setdefault(database, []).append(question)
    commands: list[Command] = []
    for database, asked in placed.items():
        commands += [("SELECT", database)] if database != server.database else []
        commands += [(*verb.split(), key, *arguments) for verb, key, arguments in asked]
    if len(placed) > 1:
        commands.append(("SELECT", server.database))
    replies = iter(await ask.many(commands) if commands else ())
    return dict(_by_question(placed, server.database, replies))


def _by_question(
    placed: Mapping[int, Sequence[Question]], own: int, replies: Iterable[Reply | CommandError]
) -> Iterable[tuple[Placed, Reply | CommandError]]:
    rest = iter(replies)
    for database, asked in placed.items():
        selected = next(rest) if database != own else None
        for question in asked:
            reply = next(rest)
            yield (database, question), selected if isinstance(selected, CommandError) else reply


def refusals(replies: Replies) -> list[Refused]:
    """Return the keys that the server refused to tell about, each once; not those that another node has."""
    found = {
        question.key: reply
        for (_, question), reply in replies.items()
        if isinstance(reply, CommandError) and not isinstance(reply, ElsewhereError)
    }
    return [Refused(shown(key), error) for key, error in found.items()]


def shown(key: str | bytes) -> str:
    """Return a name as text; bytes that are no UTF-8 are written as escapes, so different names stay different."""
    return key if isinstance(key, str) else key.decode(errors="backslashreplace")


def database_of(configured: int | None, server: RedisServer) -> int:
    """Return the number of the database that a configured key is in."""
    return server.database if configured is None else configured


def database_label(database: int) -> str:
    """Return the value of the `db` label, as INFO and redis_exporter write it."""
    return f"db{database}"


def rules_for(patterns: Iterable[str], verbs: Iterable[str], databases: Iterable[int | None]) -> list[str]:
    """Return the ACL rules for running `verbs` on the keys that `patterns` match, in `databases`; None: the own one."""
    if any(database is not None for database in databases):
        verbs = (*verbs, "SELECT")
    allowed = sorted({"+" + verb.lower().replace(" ", "|") for verb in verbs})
    return [*dict.fromkeys(f"~{_typeable(pattern)}" for pattern in patterns), *allowed]


def pattern_of(key: str) -> str:
    """Return the glob pattern that matches `key` alone, or almost: see `rules_for`."""
    return "".join(f"\\{character}" if character in r"*?[]\^" else character for character in key)


def _typeable(pattern: str) -> str:
    """Return the pattern with `?`, which matches any one byte, for what an ACL rule cannot hold or nobody can type."""
    hidden = (character in " \"'" or not character.isprintable() for character in pattern)
    return "".join("?" * len(one.encode()) if hide else one for one, hide in zip(pattern, hidden, strict=True))
