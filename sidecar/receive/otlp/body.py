"""Request bodies: read, decompressed and bounded while they arrive."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.receive.otlp.refusal import OverloadedError

PIECE_BYTES = 1 << 20
"""Most that is inflated before others may run again: about 2 ms."""

_ANY_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Allowance:
    """Bytes and requests that may be held at once, by all connections together."""

    def __init__(self, max_bytes: int, max_requests: int) -> None:
        self._free_bytes = max_bytes
        self._free_requests = max_requests

    def enter(self) -> "Held":
        """Return a new request's share, empty yet; raise OverloadedError when there are too many requests."""
        if not self._free_requests:
            raise OverloadedError("too many requests at once")
        self._free_requests -= 1
        return Held(self)

    def take(self, count: int) -> None:
        """Take `count` bytes; raise OverloadedError when they are not there."""
        if count > self._free_bytes:
            raise OverloadedError("too many bytes in requests that are being worked on")
        self._free_bytes -= count

    def leave(self, count: int) -> None:
        """Give back a request and its `count` bytes."""
        self._free_bytes += count
        self._free_requests += 1


class Held:
    """What one request holds of an Allowance; leaving the block gives it back."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.bytes = 0

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        self._allowance.leave(self.bytes)

    def add(self, count: int) -> None:
        """Hold `count` more bytes; raise OverloadedError when they are not there."""
        self._allowance.take(count)
        self.bytes += count


class Source(Protocol):
    """Where a body comes from: aiohttp's StreamReader."""

    async def readany(self) -> bytes:
        """Return what has arrived, waiting if nothing has; empty at the end."""
        ...


async def read_body(source: Source, encoding: str, max_bytes: int, held: Held) -> bytes:
    """Return the whole body, decompressed.

    Never more than `max_bytes` exist of it, whatever the compressed bytes expand to. Raises TooLargeError beyond that,
    MalformedInputError for an unknown or broken encoding, OverloadedError when `held` cannot grow.
    """
    decode = _DECODERS.get(encoding)
    if decode is None:
        raise MalformedInputError(
            f"Content-Encoding `{encoding[:40]}` is not one of {', '.join(filter(None, _DECODERS))}"
        )
    pieces: list[bytes] = []
    size = 0
    async for piece in decode(source):
        size += len(piece)
        if size > max_bytes:
            raise TooLargeError(f"the body is over the limit of {max_bytes} bytes")
        held.add(len(piece))
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _identity(source: Source) -> AsyncIterator[bytes]:
    while piece := await source.readany():
        yield piece


async def _gzip(source: Source) -> AsyncIterator[bytes]:
    async for piece in _inflate(source, _ANY_GZIP):
        yield piece


async def _deflate(source: Source) -> AsyncIterator[bytes]:
    async for piece in _inflate(source, None):
        yield piece


async def _inflate(source: Source, window_bits: int | None) -> AsyncIterator[bytes]:
    """Yield what `source` expands to in pieces of at most PIECE_BYTES, and raise MalformedInputError if it is cut off.

    Without `window_bits` it is `deflate`, which by its RFC is zlib's format and in practice often the bare stream.
    """
    inflater: zlib._Decompress | None = None
    while data := await source.readany():
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


_DECODERS: dict[str, Callable[[Source], AsyncIterator[bytes]]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "deflate": _deflate,
}
