"""Content encodings: what arrives, expanded piece by piece, with others running in between."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

from sidecar.codec.peer.inflate import INFLATERS, Inflater

IDENTITY = ("", "identity")
ENCODINGS = ("identity", *INFLATERS)
"""Values of Content-Encoding that are known, beside none at all."""


class Source(Protocol):
    """Where a body comes from: aiohttp's StreamReader."""

    async def readany(self) -> bytes:
        """Return what has arrived, waiting if nothing has; empty at the end."""
        ...


Pieces: TypeAlias = AsyncIterator[bytes]


async def decoded(arriving: Pieces, encoding: str) -> Pieces:
    """Yield what is `arriving` expanded; raise SenderError as an Inflater does.

    `encoding` is one of ENCODINGS or empty. Nothing at all is an empty body in every encoding.
    """
    inflater: Inflater | None = None
    async for data in arriving:
        if encoding in IDENTITY:
            yield data
            continue
        inflater = inflater or INFLATERS[encoding]()
        for number, piece in enumerate(inflater.feed(data)):
            if number:
                await asyncio.sleep(0)
            if piece:
                yield piece
    if inflater is not None:
        inflater.end()
