"""Encoded bodies: every form of each, broken ones, and bombs that cost no memory."""

import gzip
import io
import os
import sys
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.codec.peer.inflate import ZSTD_FRAMES, ZSTD_WINDOW_BITS
from sidecar.model.errors import MalformedInputError, TooLargeError
from sidecar.receive.otlp.allowance import Allowance
from sidecar.receive.otlp.body import read_body
from tests.unit.receive.served import JSON, MIB, body_of, json_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


class Arriving:
    """A source that gives `data` in pieces of `size`."""

    def __init__(self, data: bytes, size: int = 1 << 18) -> None:
        self._data = data
        self._size = size
        self.read = 0

    async def readany(self) -> bytes:
        piece = self._data[self.read : self.read + self._size]
        self.read += len(piece)
        return piece


async def read(data: bytes, encoding: str, limit: int = 64 * MIB, size: int = 1 << 18) -> bytes:
    with Allowance(128 * MIB, 1).enter() as held:
        body = await read_body(Arriving(data, size), encoding, limit, held)
        assert held.bytes == len(body)
        return body


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("size", [1, 7, 1 << 18])
async def test_what_was_compressed_comes_out(encoding: str, size: int) -> None:
    for body in (b"", b"a", body_of(100), os.urandom(3000), bytes(100_000)):
        assert await read(COMPRESS[encoding](body), encoding, size=size) == body
    assert await read(b"", encoding) == b""


@pytest.mark.parametrize("size", [1, 1 << 18])
async def test_zstd_may_consist_of_several_frames_and_of_such_to_skip(size: int) -> None:
    body = zstd.compress(b"one ") + SKIPPABLE + zstd.compress(b"") + zstd.compress(b"two")
    assert await read(body, "zstd", size=size) == b"one two"


@pytest.mark.parametrize("size", [1, 1 << 18])
async def test_gzip_may_consist_of_several_members_and_of_empty_ones(size: int) -> None:
    one, two = body_of(2), body_of(3)
    body = gzip.compress(b"") + gzip.compress(one) + gzip.compress(two) + bytes(16)
    assert await read(body, "gzip", size=size) == one + two


async def test_a_request_of_several_gzip_members_is_taken_as_a_whole(serve: Any) -> None:
    served = await serve()
    body = body_of(7)
    members = gzip.compress(b"") + gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert (await served.post(members, Content_Encoding="gzip"))[0] == 200
    assert served.sink.items == 7


async def test_zstd_of_every_level_that_keeps_to_its_rfc_is_read() -> None:
    body = os.urandom(1000) * 20_000
    for level in (-5, 1, 3, 19):
        assert await read(zstd.compress(body, level), "zstd") == body


async def test_a_zstd_window_beyond_what_the_rfc_asks_of_decoders_is_refused() -> None:
    wide: dict[int, int] = {zstd.CompressionParameter.window_log: ZSTD_WINDOW_BITS + 1}
    compressor = zstd.ZstdCompressor(options=wide)
    body = compressor.compress(os.urandom(20 * MIB)) + compressor.flush()
    with pytest.raises(MalformedInputError, match="memory"):
        await read(body, "zstd")


@pytest.mark.parametrize("encoding", COMPRESS)
async def test_a_body_that_is_cut_off_or_changed_is_bad_data(encoding: str) -> None:
    compressed = COMPRESS[encoding](body_of(50))
    for broken in (compressed[:-1], compressed[:9], b"\x99" + compressed, compressed + b"trailing"):
        with pytest.raises(MalformedInputError):
            await read(broken, encoding)


@pytest.mark.parametrize("encoding", COMPRESS)
async def test_a_bomb_is_refused_and_costs_no_memory(encoding: str) -> None:
    bomb = COMPRESS[encoding](bytes(300 * MIB))
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            await read(bomb, encoding, limit=4 * MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_a_body_takes_its_memory_once(encoding: str) -> None:
    data = os.urandom(MIB) * 16
    encoded = COMPRESS[encoding](data) if encoding else data
    tracemalloc.start()
    try:
        body = await read(encoded, encoding)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body == data
    assert peak < 1.4 * len(data)


async def test_very_many_frames_are_refused() -> None:
    frame = zstd.compress(b"")
    assert await read(frame * ZSTD_FRAMES, "zstd") == b""
    with pytest.raises(TooLargeError, match="frames"):
        await read(frame * (ZSTD_FRAMES + 1), "zstd")


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
async def test_compressed_data_that_expands_to_nothing_ends_at_the_limit(encoding: str) -> None:
    nothing = {"zstd": SKIPPABLE * 200, "gzip": gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 500}[encoding]
    source = Arriving(nothing, 100)
    with Allowance(MIB, 1).enter() as held, pytest.raises(TooLargeError):
        await read_body(source, encoding, 1000, held)
    assert source.read <= 1100


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(COMPRESS)), st.binary(max_size=60), st.integers(0, 60), st.binary(max_size=5))
async def test_hostile_data_is_refused_or_read(encoding: str, body: bytes, place: int, change: bytes) -> None:
    data = COMPRESS[encoding](body)
    with suppress(MalformedInputError, TooLargeError):
        await read(data[:place] + change + data[place:], encoding, limit=1000)


@pytest.mark.parametrize("encoding", COMPRESS)
async def test_both_formats_are_taken_in_every_encoding(serve: Any, encoding: str) -> None:
    served = await serve()
    compress = COMPRESS[encoding]
    assert (await served.post(compress(body_of(7)), Content_Encoding=encoding))[0] == 200
    assert (await served.post(compress(json_of(6)), Content_Encoding=encoding, Content_Type=JSON))[0] == 200
    assert served.counted_items() == served.sink.items == 13
    for kind, limit in (("application/x-protobuf", 64), (JSON, 4)):
        bomb = io.BytesIO(compress(bytes((limit + 1) * MIB)))
        assert (await served.post(bomb, Content_Encoding=encoding, Content_Type=kind))[0] == 413
    assert served.sink.items == 13


async def test_an_endless_body_is_refused(serve: Any) -> None:
    served = await serve(max_body_bytes=100_000)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield SKIPPABLE * 100

    assert (await served.post(endless(), Content_Encoding="zstd"))[0] == 413
