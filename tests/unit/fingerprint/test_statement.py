"""Normal forms of statements and commands, and their short names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.digest import digest
from sidecar.fingerprint.statement import normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET user:4711", "GET ?"),
        ("get other", "GET ?"),
        ("GET ?", "GET ?"),
        ("PING", "PING"),
        ("MGET a b c", "MGET ?"),
        ("CONFIG GET maxmemory", "CONFIG GET ?"),
        ("CLIENT LIST", "CLIENT LIST"),
        ("FT.SEARCH idx @name:bob", "FT.SEARCH ?"),
        ("SET a 1\nEXPIRE a 5\nSET b 2", "SET ?; EXPIRE ?"),
        ("AUTH default secret", "AUTH ?"),
        ("s3cret", "?"),
        ("user:1 x", "?"),
        ("", ""),
    ],
)
def test_a_redis_command_is_its_words_without_keys_and_values(text: str, expected: str) -> None:
    assert normalised("redis", text) == expected


@given(st.text(max_size=300))
def test_any_text_is_taken_as_a_redis_command(text: str) -> None:
    assert all(sign not in normalised("valkey", text) for sign in "0123456789\n@")


def test_the_system_decides_how_a_text_is_read() -> None:
    assert normalised("postgresql", 'SELECT "a" + 1') == 'SELECT "a" + ?'
    assert normalised("mysql", 'SELECT "a" + 1') == "SELECT ? + ?"


def test_a_digest_stays_the_same_for_ever() -> None:
    assert digest(["shop", "SELECT ?"]) == "8e1295147a322d94"


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_different_parts_have_different_digests(some: list[str], other: list[str]) -> None:
    assert (digest(some) == digest(other)) == (some == other)
