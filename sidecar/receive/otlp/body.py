"""Request bodies: read, decompressed and bounded while they arrive."""

from collections.abc import AsyncIterator
from io import BytesIO

from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.receive.otlp.allowance import Held
from sidecar.receive.otlp.encodings import ENCODINGS, Source, decoded


async def read_body(source: Source, encoding: str, max_bytes: int, held: Held) -> bytes:
    """Return the whole body, decompressed.

    Never more than `max_bytes` exist of it, whatever the compressed bytes expand to, and no more than that is read.
    Raises TooLargeError beyond that, MalformedInputError for an unknown or broken encoding, OverloadedError when `held`
    cannot grow.
    """
    if encoding and encoding not in ENCODINGS:
        raise MalformedInputError(f"Content-Encoding `{encoding[:40]}` is not one of {', '.join(ENCODINGS)}")
    whole = BytesIO()  # whose value is its buffer: joining pieces would have all of them twice for a moment
    async for piece in decoded(_arriving(source, max_bytes), encoding):
        if whole.tell() + len(piece) > max_bytes:
            raise _too_large(max_bytes)
        held.add(len(piece))
        whole.write(piece)
    return whole.getvalue()


async def _arriving(source: Source, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield what arrives: compressed data that expands to nothing has an end, too."""
    size = 0
    while data := await source.readany():
        size += len(data)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield data


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"the body is over the limit of {max_bytes} bytes")
