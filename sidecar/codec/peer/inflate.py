"""Compressed bodies of peers, expanded piece by piece, so that a few bytes never become many at once."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Protocol

from sidecar.codec.zstd import zstd
from sidecar.model.errors import MalformedInputError, TooLargeError

PIECE_BYTES = 1 << 20
"""Most that is expanded at a time: about 2 ms."""
FED_BYTES = 1 << 16
"""What is fed at a time of a body that is there as a whole: what is behind the end of a member is copied."""
GZIP_MEMBERS = 10_000
"""Members of a body: an empty one of 20 bytes costs the time of a KiB, and who writes many writes 64 KiB into each."""
ZSTD_WINDOW_BITS = 23
"""How far back zstd may refer, 8 MiB: what its RFC asks of decoders, and what a body may cost besides itself."""
ZSTD_FRAMES = 1000
"""Frames of a body: a tiny one costs as much time as 10 KiB, and one worth its name is longer."""

_ANY_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Inflater(Protocol):
    """Expands one body, given in parts of any size.

    Both methods raise MalformedInputError for what is not in the encoding, cut off, or followed by something else, and
    TooLargeError for a body of more members or frames than are worth their time.
    """

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data`, the next part, expands to: pieces of PIECE_BYTES at most, each a step of work.

        A piece may be empty. All of them must be taken before the next part is fed.
        """
        ...

    def end(self) -> None:
        """Note that there is no more; a body of no byte at all is cut off, too."""
        ...


def inflated(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return `body` expanded; raise TooLargeError before more than `max_bytes` and a piece of it exist.

    `encoding` is one of INFLATERS. Raises MalformedInputError as an Inflater does.
    """
    inflater = INFLATERS[encoding]()
    whole = BytesIO()
    for start in range(0, len(body), FED_BYTES):
        for piece in inflater.feed(body[start : start + FED_BYTES]):
            if whole.tell() + len(piece) > max_bytes:
                raise TooLargeError(f"the body is longer than {max_bytes} bytes")
            whole.write(piece)
    inflater.end()
    return whole.getvalue()


class Gzip:
    """RFC 1952: one member after the other, any of them empty.

    Zeros behind a member are padding, as to gzip itself: what is written to tapes and blocks has them.
    """

    def __init__(self) -> None:
        self._member: zlib._Decompress | None = None
        self._count = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` expands to."""
        while data:
            if self._member is None:
                data = data.lstrip(b"\0") if self._count else data
                if not data:
                    return
                self._member = self._next_member()
            piece = _expanded(self._member, data)
            data = self._member.unconsumed_tail
            if self._member.eof:
                data, self._member = self._member.unused_data, None
            yield piece

    def end(self) -> None:
        """Raise MalformedInputError within a member, or if there was none."""
        if self._member is not None or not self._count:
            raise _cut_off()

    def _next_member(self) -> "zlib._Decompress":
        self._count += 1
        if self._count > GZIP_MEMBERS:
            raise TooLargeError(f"the body has more than {GZIP_MEMBERS} gzip members")
        return zlib.decompressobj(_ANY_GZIP)


class Deflate:
    """`deflate`: by the RFC zlib's format, and in practice often the bare stream."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` expands to."""
        if self._stream is None:
            data = self._head + data
            if len(data) < 2:  # the first two bytes tell which it is
                self._head = data
                return
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(data) else _RAW)
        piece = b""
        while (data or len(piece) == PIECE_BYTES) and not self._stream.eof:
            piece = _expanded(self._stream, data)  # the bare stream may end within what was taken for the piece before
            data = self._stream.unconsumed_tail
            yield piece
        if self._stream.eof and (data or self._stream.unused_data):
            raise MalformedInputError("the body goes on after the end of its compressed data")

    def end(self) -> None:
        """Raise MalformedInputError if the stream has not ended."""
        if self._stream is None or not self._stream.eof:
            raise _cut_off()


class Zstd:
    """RFC 8878: any number of frames up to ZSTD_FRAMES, those to skip included."""

    def __init__(self) -> None:
        self._frame: zstd.ZstdDecompressor | None = None
        self._count = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` expands to."""
        while data or (self._frame is not None and not self._frame.needs_input):
            frame = self._frame = self._frame or self._next_frame()
            try:
                piece = frame.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise MalformedInputError(f"the body is not in its Content-Encoding: {error}") from error
            data = b""
            if frame.eof:
                data, self._frame = frame.unused_data, None
            yield piece

    def end(self) -> None:
        """Raise MalformedInputError within a frame, or if there was none."""
        if self._frame is not None or not self._count:
            raise _cut_off()

    def _next_frame(self) -> zstd.ZstdDecompressor:
        self._count += 1
        if self._count > ZSTD_FRAMES:
            raise TooLargeError(f"the body has more than {ZSTD_FRAMES} zstd frames")
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_BITS})


INFLATERS: Mapping[str, Callable[[], Inflater]] = {"gzip": Gzip, "deflate": Deflate, "zstd": Zstd}
"""By the value of Content-Encoding."""


def _expanded(stream: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return stream.decompress(data, PIECE_BYTES)
    except zlib.error as error:
        raise MalformedInputError("the body is not in its Content-Encoding") from error


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _cut_off() -> MalformedInputError:
    return MalformedInputError("the compressed body is cut off")
