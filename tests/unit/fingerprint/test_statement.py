"""Normal forms of statements and commands, and their short names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.digest import digest
from sidecar.fingerprint.statement import masked, normalised


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
        ("swordfish", "?"),
        ("OBJECT swordfish", "OBJECT ?"),
        ("eval return redis.call('set', KEYS[1]) 1 note dear diary\nswordfish is my password\nget well", "EVAL ?"),
        ("evalsha 6b1bf486 1 lock a\nget\x85b\u2028set c\r\x0bget", "EVALSHA ?"),
        ("fcall f 1 k v\nset x", "FCALL ?"),
        ("SET note dear diary\nswordfish is my password", "SET ?"),
        ("SET a 1\r\nGET b\r\n\r\nhunter2", "SET ?; GET ?"),
        ("get a", "GET ?"),
        ("PIPELINE", "PIPELINE"),
        ("MULTI\nSET a 1\nEXEC", "MULTI; SET ?; EXEC"),
        ("json.set doc $ {}", "JSON.SET ?"),
        ("SECRET.WORD x", "?"),
        ("user:1 x", "?"),
        ("", ""),
    ],
)
def test_a_redis_command_is_its_words_without_keys_and_values(text: str, expected: str) -> None:
    assert normalised("redis", text) == expected


@pytest.mark.parametrize(
    ("system", "text", "expected"),
    [
        ("memcached", "set user:1 0 60 5\nswordfish", "SET ?"),
        ("memcached", "get_multi a b", "GET_MULTI ?"),
        ("ioredis", "get a", "GET ?"),
        ("hazelcast", "GET a", "GET ?"),
        ("neo4j", "MATCH (n:Person {name: 'a\nb'})\nRETURN n", "MATCH (n:Person {name: ?}) RETURN n"),
        ("prometheus", 'sum(rate(up{job="a\nb"}[5m]))', "sum(rate(up{job=?}[?]))"),
        ("loki", '{app="shop"} |= `a "c4nary\n` | json', "{app=?} |= ? | json"),
        ("postgres", 'SELECT "a" FROM "b"\nWHERE c = \'x\'', 'SELECT "a" FROM "b" WHERE c = ?'),
        ("mysql2", 'SELECT a FROM b WHERE c = "x"', "SELECT a FROM b WHERE c = ?"),
        ("mssql", "SELECT [a] FROM [b] WHERE c = N'x' AND d <@p0", "SELECT [a] FROM [b] WHERE c = ? AND d <?"),
        ("postgresql", "{call f(?)}", "{call f(?)}"),
    ],
)
def test_a_value_of_several_lines_is_one_value_whatever_the_system(system: str, text: str, expected: str) -> None:
    assert normalised(system, text) == expected


@pytest.mark.parametrize(
    "text",
    ["swordfish is my password\nget x", "MATCH (n {a: 'c4nary'})\nRETURN 'c4nary'", '{"a": "c4nary"}', "x: c4nary\ny"],
)
def test_where_no_system_is_known_no_value_is_shown(text: str) -> None:
    assert not {"swordfish", "password", "c4nary"} & set(re.findall(r"\w+", masked(text).lower()))


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
