"""Commands through the one connection of a target."""

from collections.abc import Sequence

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import AskError, NoPermissionError, ResponseError

from sidecar.collect.redis.section import Command, CommandError, CommandNotPermittedError, ElsewhereError, Reply


class Asking:
    """The `Ask` of one connection; what goes wrong with the connection itself is raised as it is."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def __call__(self, *command: str | bytes | int) -> Reply:
        """Return the reply; raise CommandError when the server refuses."""
        await self._connection.send_command(*command)
        return await self._reply()

    async def many(self, commands: Sequence[Command]) -> Sequence[Reply | CommandError]:
        """Return the replies to all of `commands`, which go out together; a refusal is an item, not raised."""
        await self.send(commands)
        return await self.replies(len(commands))

    async def send(self, commands: Sequence[Command]) -> None:
        """Send all of `commands` together; exactly as many `replies` have to be taken before the next is asked."""
        await self._connection.send_packed_command(self._connection.pack_commands(commands))

    async def replies(self, count: int) -> Sequence[Reply | CommandError]:
        """Return the next `count` replies to what was sent; a refusal is an item, not raised."""
        replies: list[Reply | CommandError] = []
        for _ in range(count):
            try:
                replies.append(await self._reply())
            except CommandError as error:
                replies.append(error)
        return replies

    async def _reply(self) -> Reply:
        try:
            reply: Reply = await self._connection.read_response()
        except NoPermissionError as error:
            raise CommandNotPermittedError(str(error)) from error
        except AskError as error:  # MOVED too
            raise ElsewhereError(str(error)) from error
        except ResponseError as error:
            raise CommandError(str(error)) from error
        return reply
