"""Content encodings: what arrives, expanded piece by piece, so that a few bytes never become many at once."""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeAlias

from sidecar.model.errors import MalformedInputError, TooLargeError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 1 << 20
"""Most that is expanded before others may run again: about 2 ms."""
ZSTD_WINDOW_BITS = 23
"""How far back zstd may refer, 8 MiB: what its RFC asks of decoders, and what a request may cost besides its body."""
ZSTD_FRAMES = 1000
"""Frames of a body: a tiny one costs as much time as 10 KiB, and one worth its name is longer."""

_ANY_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Source(Protocol):
    """Where a body comes from: aiohttp's StreamReader."""

    async def readany(self) -> bytes:
        """Return what has arrived, waiting if nothing has; empty at the end."""
        ...


Pieces: TypeAlias = AsyncIterator[bytes]


async def _identity(arriving: Pieces) -> Pieces:
    async for data in arriving:
        yield data


async def _gzip(arriving: Pieces) -> Pieces:
    async for piece in _inflate(arriving, _ANY_GZIP):
        yield piece


async def _deflate(arriving: Pieces) -> Pieces:
    async for piece in _inflate(arriving, None):
        yield piece


async def _inflate(arriving: Pieces, window_bits: int | None) -> Pieces:
    """Yield what is `arriving` expanded; raise MalformedInputError if it is broken, cut off or followed by something.

    Without `window_bits` it is `deflate`, which by its RFC is zlib's format and in practice often the bare stream.
    """
    inflater: zlib._Decompress | None = None
    async for data in arriving:
        if inflater is None:
            inflater = zlib.decompressobj(window_bits or _window_bits_of(data))
        while data and not inflater.eof:
            try:
                piece = inflater.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise MalformedInputError("the body is not in its Content-Encoding") from error
            data = inflater.unconsumed_tail
            if piece:
                yield piece
            if data:
                await asyncio.sleep(0)
        if inflater.eof and (data or inflater.unused_data):
            raise MalformedInputError("the body goes on after the end of its compressed data")
    if inflater is not None and not inflater.eof:
        raise MalformedInputError("the compressed body is cut off")


def _window_bits_of(data: bytes) -> int:
    is_zlib = data[0] & 0x0F == 8 and (len(data) < 2 or int.from_bytes(data[:2], "big") % 31 == 0)
    return zlib.MAX_WBITS if is_zlib else _RAW


async def _zstd(arriving: Pieces) -> Pieces:
    """Yield the frames that are `arriving` expanded, any number up to ZSTD_FRAMES."""
    frame: zstd.ZstdDecompressor | None = None
    count = 0
    async for data in arriving:
        while data or (frame is not None and not frame.needs_input):
            if frame is None:
                count += 1
                if count > ZSTD_FRAMES:
                    raise TooLargeError(f"the body has more than {ZSTD_FRAMES} zstd frames")
                frame = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_BITS})
            try:
                piece = frame.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise MalformedInputError(f"the body is not in its Content-Encoding: {error}") from error
            data = b""
            if frame.eof:
                data, frame = frame.unused_data, None
            if piece:
                yield piece
            await asyncio.sleep(0)
    if frame is not None:
        raise MalformedInputError("the compressed body is cut off")


DECODERS: dict[str, Callable[[Pieces], Pieces]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
"""By the value of Content-Encoding."""
