"""Commands through the one connection of a target."""

from collections.abc import Sequence

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from sidecar.collect.redis.section import Command, CommandError, Reply


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
        await self._connection.send_packed_command(self._connection.pack_commands(commands))
        replies: list[Reply | CommandError] = []
        for _ in commands:
            try:
                replies.append(await self._reply())
            except CommandError as error:
                replies.append(error)
        return replies

    async def _reply(self) -> Reply:
        try:
            reply: Reply = await self._connection.read_response()
        except ResponseError as error:
            raise CommandError(str(error)) from error
        return reply
