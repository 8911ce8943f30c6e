"""What the tests of sections with further commands share: a server that answers from a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.info import Info
from sidecar.collect.redis.section import (
    Command,
    CommandError,
    CommandSection,
    PipelinedSection,
    RedisServer,
    Refused,
    Reply,
)
from tests.unit.collect.scraping import values_of

NOW = 1_700_000_000.0


class AskTable:
    """An `Ask` that knows the replies by the words of the command; one it does not know is refused."""

    def __init__(self, replies: Mapping[str, Reply | CommandError]) -> None:
        self._replies = replies
        self.writes: list[list[str]] = []

    async def __call__(self, *command: str | bytes | int) -> Reply:
        (reply,) = await self.many([command])
        if isinstance(reply, CommandError):
            raise reply
        return reply

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        texts = [" ".join(map(str, command)) for command in commands]
        self.writes.append(texts)
        return [self._replies.get(text, CommandError(f"unknown command '{text}'")) for text in texts]


def server_of(info: Info, certificate_expiry: float | None = None, **settings: Any) -> RedisServer:
    """Return what a section knows of a server with these fields and a target with these settings."""
    config = RedisConfig.model_validate({"url": "redis://cache", **settings})
    return RedisServer(info, NOW, config, certificate_expiry=certificate_expiry)


def asked(section: PipelinedSection, server: RedisServer) -> list[str]:
    """Return the commands that the section asks the server."""
    return [" ".join(command) for command in section.commands(server)]


def answered(section: PipelinedSection, server: RedisServer, replies: Mapping[str, Reply]) -> dict[str, float]:
    """Return what the section makes of `replies`; all else is refused."""
    answers = {command: replies[text] for command in section.commands(server) if (text := " ".join(command)) in replies}
    families = list(section.convert(answers, server))
    assert {family for family, _ in families} <= set(section.families)
    return values_of(families)


async def told(section: CommandSection, server: RedisServer, ask: AskTable) -> dict[str, float]:
    """Return what the section gets out of the dialogue."""
    families = [part for part in await section.collect(ask, server) if not isinstance(part, Refused)]
    assert {family for family, _ in families} <= set(section.families)
    return values_of(families)


def wire(value: Any) -> Any:
    """Return `value` as the connection gives it: strings are bytes, a dict is a list of names and values."""
    match value:
        case str():
            return value.encode()
        case dict():
            return [wire(part) for pair in value.items() for part in pair]
        case list():
            return [wire(part) for part in value]
        case _:
            return value
