"""Commands through the one connection of a target."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    ResponseError,
    TryAgainError,
)

from sidecar.collect.redis.connection import drop
from sidecar.collect.redis.section import (
    Command,
    CommandError,
    CommandNotPermittedError,
    ElsewhereError,
    NotNowError,
    Reply,
)

REMEMBERED_SECONDS = 600.0
"""How long a command that is unknown or not permitted is not asked again: each such question counts as an error of the
server, and in the log of its ACL."""

_LACKING = ("unknown command", "unknown subcommand")

_Identity: TypeAlias = tuple[str | bytes | int, ...]


class _Refusal(NamedTuple):
    """An error that is remembered; without the error itself, which would hold on to all that its traceback names."""

    kind: type[CommandError]
    text: str

    def error(self) -> CommandError:
        """Return it as a new error."""
        return self.kind(self.text)


class _Due(NamedTuple):
    """A reply that is to be taken: from the server, or from memory if the command was not sent."""

    identity: _Identity
    remembered: _Refusal | None


class Asking:
    """The `Ask` of one connection; what goes wrong with the connection itself closes it and is raised as it is.

    What the server does not know or the user may not do is asked once for each connection, and again after
    `REMEMBERED_SECONDS`.
    """

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._due: deque[_Due] = deque()
        self._refusals: dict[_Identity, _Refusal] = {}
        self._remembered_since = 0.0

    def begin(self, now: float) -> None:
        """Begin a scrape at `now`, in seconds of a monotonic clock; forget the refusals when they are old.

        All of them at once: what is asked in one scrape is then sent as a whole or not at all.
        """
        if not self._refusals or now - self._remembered_since >= REMEMBERED_SECONDS:
            self._refusals.clear()
            self._remembered_since = now

    async def __call__(self, *command: str | bytes | int) -> Reply:
        """Return the reply; raise CommandError when the server refuses."""
        (reply,) = await self.many([command])
        if isinstance(reply, CommandError):
            raise reply
        return reply

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        """Return the replies to all of `commands`, which go out together; a refusal is an item, not raised."""
        await self.send(commands)
        return await self.replies(len(commands))

    async def send(self, commands: Sequence[Command]) -> None:
        """Send all of `commands` together; exactly as many `replies` have to be taken before the next is asked."""
        due = self._due_to(commands)
        self._due.extend(due)
        sent = [command for command, one in zip(commands, due, strict=True) if one.remembered is None]
        if sent:
            await self._connection.send_packed_command(self._connection.pack_commands(sent))

    async def replies(self, count: int) -> Sequence[Reply | CommandError]:
        """Return the next `count` replies to what was sent; a refusal is an item, not raised."""
        return [await self._next() for _ in range(count)]

    def _due_to(self, commands: Sequence[Command]) -> Sequence[_Due]:
        # The first three words tell the command and its key; behind them stand the time, limits and the like.
        identities = [tuple(command[:3]) for command in commands]
        due = [_Due(identity, self._refusals.get(identity)) for identity in identities]
        if any(identity[0] == "SELECT" and remembered is None for identity, remembered in due):
            # It may leave the connection's own database: the way back is never left out.
            due = [_Due(one.identity, None) if one.identity[0] == "SELECT" else one for one in due]
        return due

    async def _next(self) -> Reply | CommandError:
        identity, remembered = self._due.popleft()
        if remembered is not None:
            return remembered.error()
        try:
            return await self._reply()
        except CommandError as error:
            if _is_lasting(error):
                self._refusals[identity] = _Refusal(type(error), str(error))
            return error

    async def _reply(self) -> Reply:
        try:
            # A server that loads its data is a lost connection to the library: it would close it.
            reply: Reply = await self._connection.read_response(disconnect_on_error=False)
        except NoPermissionError as error:
            raise CommandNotPermittedError(str(error)) from error
        except (BusyLoadingError, MasterDownError, ClusterDownError, TryAgainError) as error:
            raise NotNowError(str(error)) from error
        except AskError as error:  # MOVED too
            raise ElsewhereError(str(error)) from error
        except ResponseError as error:
            raise CommandError(str(error)) from error
        except BaseException:
            drop(self._connection)
            raise
        return reply


def _is_lasting(error: CommandError) -> bool:
    return isinstance(error, CommandNotPermittedError) or str(error).lower().startswith(_LACKING)
