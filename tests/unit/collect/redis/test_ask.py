"""Commands through one connection: what is remembered of refusals, and what ends the connection."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ResponseError,
)

from sidecar.collect.redis.ask import REMEMBERED_SECONDS, Asking
from sidecar.collect.redis.section import (
    Command,
    CommandError,
    CommandNotPermittedError,
    ElsewhereError,
    NotNowError,
    Reply,
)


class Served:
    """A connection to a server that answers by the words of the command, `OK` to all others."""

    def __init__(self, refusals: dict[str, Exception]) -> None:
        self.refusals = refusals
        self.sent: list[str] = []
        self._due: deque[str] = deque()
        self._reader: Any = object()
        self._writer: Any = None

    @property
    def is_open(self) -> bool:
        return self._reader is not None

    def pack_commands(self, commands: Sequence[Command]) -> list[str]:
        return [" ".join(map(str, command)) for command in commands]

    async def send_packed_command(self, texts: Sequence[str]) -> None:
        self.sent += texts
        self._due.extend(texts)

    async def read_response(self, disconnect_on_error: bool) -> bytes:
        text = self._due.popleft()
        if text in self.refusals:
            raise self.refusals[text]
        return b"OK"


def asking(connection: Served) -> Asking:
    return Asking(connection)  # type: ignore[arg-type] # has what is used of it


UNKNOWN = ResponseError("unknown command 'CONFIG', with args beginning with: 'GET' 'hz' ")
DENIED = NoPermissionError("User x has no permissions to run the 'llen' command")


def kinds(replies: Sequence[Reply | CommandError]) -> list[str]:
    return [type(reply).__name__ if isinstance(reply, CommandError) else "answered" for reply in replies]


async def test_what_the_server_lacks_or_forbids_is_asked_once() -> None:
    connection = Served({"CONFIG GET hz": UNKNOWN, "LLEN q": DENIED})
    ask = asking(connection)
    commands: list[Command] = [("CONFIG", "GET", "hz"), ("PING",), ("LLEN", "q"), ("LLEN", "other")]
    for _ in range(3):
        replies = await ask.many(commands)
        assert kinds(replies) == ["CommandError", "answered", "CommandNotPermittedError", "answered"]
        assert str(replies[0]) == str(UNKNOWN)
    assert [connection.sent.count(text) for text in ("CONFIG GET hz", "LLEN q", "PING", "LLEN other")] == [1, 1, 3, 3]
    with pytest.raises(CommandNotPermittedError):
        await ask("LLEN", "q")


@pytest.mark.parametrize(
    "text",
    [
        "unknown subcommand 'HISTOGRAM'. Try LATENCY HELP.",
        "Unknown subcommand or wrong number of arguments for 'histogram'. Try LATENCY HELP.",
    ],
)
async def test_subcommand_that_a_server_lacks_is_asked_once(text: str) -> None:
    connection = Served({"LATENCY HISTOGRAM": ResponseError(text)})
    ask = asking(connection)
    for _ in range(2):
        await ask.many([("LATENCY", "HISTOGRAM")])
    assert connection.sent == ["LATENCY HISTOGRAM"]


async def test_other_refusals_are_asked_again() -> None:
    connection = Served({"LLEN q": ResponseError("WRONGTYPE Operation against a key"), "LLEN r": MovedError("1 a:1")})
    ask = asking(connection)
    for _ in range(2):
        assert kinds(await ask.many([("LLEN", "q"), ("LLEN", "r")])) == ["CommandError", ElsewhereError.__name__]
    assert len(connection.sent) == 4


async def test_refusals_are_forgotten_after_a_while() -> None:
    connection = Served({"LLEN q": DENIED})
    ask = asking(connection)
    ask.begin(100.0)
    await ask.many([("LLEN", "q")])
    ask.begin(100.0 + REMEMBERED_SECONDS - 1)
    await ask.many([("LLEN", "q")])
    assert len(connection.sent) == 1
    del connection.refusals["LLEN q"]
    ask.begin(100.0 + REMEMBERED_SECONDS)
    assert kinds(await ask.many([("LLEN", "q")])) == ["answered"]


async def test_way_back_to_the_own_database_is_taken_whenever_there_was_one_out_of_it() -> None:
    connection = Served({"SELECT 3": DENIED, "SELECT 0": DENIED})
    ask = asking(connection)
    for _ in range(2):
        assert kinds(await ask.many([("SELECT", 3), ("SELECT", 0)])) == ["CommandNotPermittedError"] * 2
    assert connection.sent == ["SELECT 3", "SELECT 0"]
    connection.refusals.clear()
    assert kinds(await ask.many([("SELECT", 5), ("SELECT", 0)])) == ["answered"] * 2


@pytest.mark.parametrize("error", [BusyLoadingError("Redis is loading"), MasterDownError("Link with MASTER is down")])
async def test_server_that_tells_about_no_key_for_now_keeps_its_connection(error: Exception) -> None:
    connection = Served({"LLEN q": error})
    ask = asking(connection)
    for _ in range(2):
        assert kinds(await ask.many([("LLEN", "q"), ("PING",)])) == [NotNowError.__name__, "answered"]
    assert connection.is_open
    assert len(connection.sent) == 4


async def test_trouble_of_the_connection_is_raised_and_closes_it() -> None:
    connection = Served({"PING": ConnectionError("gone")})
    with pytest.raises(ConnectionError):
        await asking(connection)("PING")
    assert not connection.is_open
