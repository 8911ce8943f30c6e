"""Compressed bodies: members, frames, padding, junk, bombs, in parts of every size."""

import gzip
import os
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.codec.peer.inflate import GZIP_MEMBERS, INFLATERS, PIECE_BYTES, ZSTD_FRAMES, inflated
from sidecar.model.errors import MalformedInputError, TooLargeError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


def bare(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


COMPRESS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare),
    "zstd": ("zstd", zstd.compress),
}
FORMS = sorted(COMPRESS)


def expanded(encoding: str, data: bytes, size: int) -> bytes:
    """Return `data` expanded, fed in parts of `size`; no piece is longer than may be."""
    inflater = INFLATERS[encoding]()
    pieces = [piece for start in range(0, len(data), size) for piece in inflater.feed(data[start : start + size])]
    inflater.end()
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    return b"".join(pieces)


@given(st.sampled_from(FORMS), st.binary(max_size=300), st.integers(1, 400))
def test_what_was_compressed_comes_out_however_it_arrives(form: str, body: bytes, size: int) -> None:
    encoding, compress = COMPRESS[form]
    assert expanded(encoding, compress(body), size) == body


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.integers(1, 60), st.integers(0, 40))
def test_gzip_is_all_of_its_members_and_zeros_are_padding(bodies: list[bytes], size: int, zeros: int) -> None:
    padded = b"".join(gzip.compress(body) + bytes(zeros) for body in bodies)
    assert expanded("gzip", padded, size) == b"".join(bodies) == gzip.decompress(padded)


def test_an_empty_member_may_be_first_last_or_alone() -> None:
    empty, full = gzip.compress(b""), gzip.compress(b"a 1\n")
    assert inflated(empty + full, "gzip", 10) == inflated(full + empty, "gzip", 10) == b"a 1\n"
    assert inflated(empty, "gzip", 10) == b""


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.integers(1, 60))
def test_zstd_is_all_of_its_frames_without_those_to_skip(bodies: list[bytes], size: int) -> None:
    framed = b"".join(SKIPPABLE + zstd.compress(body) for body in bodies) + SKIPPABLE
    assert expanded("zstd", framed, size) == b"".join(bodies)


@pytest.mark.parametrize(
    "junk", [b"j", b"junk behind it", b"\x1f", b"\x1f\x8b", b"\0\0junk", b"\0" * 8 + b"\x1f\x8b\x08"]
)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 1 << 16])
def test_junk_behind_the_end_is_refused(form: str, junk: bytes, size: int) -> None:
    encoding, compress = COMPRESS[form]
    with pytest.raises(MalformedInputError):
        expanded(encoding, compress(b"a 1\n") + junk, size)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 1 << 16])
def test_a_body_that_is_cut_off_anywhere_is_refused(form: str, size: int) -> None:
    encoding, compress = COMPRESS[form]
    whole = compress(os.urandom(50))
    for end in range(len(whole)):
        with pytest.raises(MalformedInputError):
            expanded(encoding, whole[:end], size)


def test_a_second_member_that_is_broken_is_refused() -> None:
    one, two = gzip.compress(b"one"), bytearray(gzip.compress(b"two"))
    two[-5] ^= 1  # its length
    for broken in (one + bytes(two), one + gzip.compress(b"two")[:-1], gzip.compress(b"two")[:-1] + one):
        with pytest.raises(MalformedInputError):
            inflated(broken, "gzip", 100)


@pytest.mark.parametrize("more", range(-3, 260, 13))
def test_the_bare_stream_may_end_within_a_piece_that_is_full(more: int) -> None:
    body = bytes(PIECE_BYTES + more)
    assert expanded("deflate", bare(body), 1 << 16) == body


@pytest.mark.parametrize("form", FORMS)
def test_the_limit_holds_for_what_is_expanded_and_a_bomb_costs_no_memory(form: str) -> None:
    encoding, compress = COMPRESS[form]
    assert inflated(compress(bytes(1000)), encoding, 1000) == bytes(1000)
    with pytest.raises(TooLargeError):
        inflated(compress(bytes(1001)), encoding, 1000)
    bomb = compress(bytes(20 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            inflated(bomb, encoding, 1 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 << 20


def test_the_limit_holds_for_all_members_together() -> None:
    with pytest.raises(TooLargeError):
        inflated(gzip.compress(bytes(600)) * 2, "gzip", 1000)


@pytest.mark.parametrize(("encoding", "most"), [("gzip", GZIP_MEMBERS), ("zstd", ZSTD_FRAMES)])
def test_very_many_members_are_refused(encoding: str, most: int) -> None:
    nothing = COMPRESS[encoding][1](b"")
    assert inflated(nothing * most, encoding, 10) == b""
    with pytest.raises(TooLargeError, match=f"more than {most}"):
        inflated(nothing * (most + 1), encoding, 10)


@settings(max_examples=300)
@given(st.sampled_from(FORMS), st.binary(max_size=60), st.integers(0, 60), st.binary(max_size=5), st.integers(1, 70))
def test_hostile_data_is_refused_or_read(form: str, body: bytes, place: int, change: bytes, size: int) -> None:
    encoding, compress = COMPRESS[form]
    data = compress(body)
    with suppress(MalformedInputError, TooLargeError):
        expanded(encoding, data[:place] + change + data[place + 1 :], size)
