"""Fingerprints of queries are right where Postgres' own query identifiers say so.

`queryid` of pg_stat_statements is what a server of version 18 tells queries apart by: it reads the statement and
compares what it means, without values. For each driver, two statements have one fingerprint if and only if they have
one such identifier, over some 2,500 statements; what is told apart in another way is below, with why.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

import asyncpg
import pytest

from sidecar.demo.servers import PostgresServer
from sidecar.fingerprint.statement import normalised
from tests.integration.statements import of_django, of_peewee, of_sqlalchemy
from tests.integration.statements.by_hand import BY_DRIVER

pytestmark = pytest.mark.integration

SIZES = (2, 3, 7)
"""Of lists, and what values are made from; one query each."""
COMPILED: Mapping[str, Callable[[int], Iterator[str]]] = {
    **{driver: partial(of_sqlalchemy.statements, driver) for driver in of_sqlalchemy.DIALECTS},
    "django": of_django.statements,
    "peewee": of_peewee.statements,
}
PLACEHOLDERS = re.compile(
    r"('(?:[^']|'')*'|\$\$.*?\$\$|/\*.*?\*/|--[^\n]*)"
    r"|%\(\w+\)s|%[sb]\b|\$\d+|[$#]\{[^}]*\}|\{=\w+\}|(?<![:\w]):\w+|(?<![<\w])@\w+|\?\d*"
)
SCHEMA = """
    CREATE TABLE items (id int, name text, price numeric, active bool, stock int);
    CREATE UNIQUE INDEX ON items (id);
    CREATE TABLE orders (LIKE items);
    CREATE UNIQUE INDEX ON orders (id);
    CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
    CREATE FUNCTION queryid(statement text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE plan json;
    BEGIN
        EXECUTE 'EXPLAIN (VERBOSE, FORMAT JSON) ' || statement INTO plan;
        RETURN plan->0->>'Query Identifier';
    END $$;
"""
EXCEPTIONS = {
    "a list of one value is a comparison to the server, and to us the same query with fewer values": (
        "SELECT id FROM items WHERE id IN (1)",
        "SELECT id FROM items WHERE id IN (1, 2)",
    ),
    "an array of one value is no list to the server": (
        "SELECT id FROM items WHERE id = ANY(ARRAY[1])",
        "SELECT id FROM items WHERE id = ANY(ARRAY[1, 2])",
    ),
    "the server tells batches apart by their number of rows": (
        "INSERT INTO items (id) VALUES (1)",
        "INSERT INTO items (id) VALUES (1), (2), (3)",
    ),
    "and lists of rows by theirs": (
        "SELECT id FROM items WHERE (id, stock) IN ((1, 2), (3, 4))",
        "SELECT id FROM items WHERE (id, stock) IN ((1, 2), (3, 4), (5, 6))",
    ),
    "and lists of calls that are no casts by theirs": (
        "SELECT id FROM items WHERE name IN (lower('a'), lower('b'))",
        "SELECT id FROM items WHERE name IN (lower('a'), lower('b'), lower('c'))",
    ),
    "and selections of nothing but values by their number": (
        "SELECT 1, 2 UNION ALL SELECT 3, 4",
        "SELECT 1, 2 UNION ALL SELECT 3, 4 UNION ALL SELECT 5, 6",
    ),
    "a value has a type to the server": (
        "SELECT id FROM items WHERE stock = 1",
        "SELECT id FROM items WHERE stock = 5000000000",
    ),
    "a number after ORDER BY is the place of a column, and a literal to us": (
        "SELECT id, name FROM items ORDER BY 1",
        "SELECT id, name FROM items ORDER BY 2",
    ),
}
"""Pairs that have one fingerprint, and two identifiers."""
SPELLINGS = {
    "words of SQL in capitals or not": ("SELECT id FROM items", "select id from items"),
    "names in quotes or not": ('SELECT "id" FROM items', "SELECT id FROM items"),
    "other words for the same": ("SELECT id FROM items WHERE id <> 1", "SELECT id FROM items WHERE id != 1"),
    "casts that change nothing": (
        "SELECT id FROM items WHERE id = ANY(ARRAY[1, 2])",
        "SELECT id FROM items WHERE id = ANY(ARRAY[1, 2]::int[])",
    ),
    "tables with one alias, by which a server of version 18 knows them": (
        "SELECT x.id FROM items AS x",
        "SELECT x.id FROM orders AS x",
    ),
    "spaces that mean nothing": ("SELECT id FROM items WHERE id=1", "SELECT id FROM items WHERE id = 1"),
}
"""Pairs that have one identifier, and two fingerprints: a mapper always spells one query alike."""


@pytest.fixture(scope="module")
def dsn(postgres_18: PostgresServer) -> Iterator[str]:
    """Yield the URL of a database with the tables that all statements ask."""
    asyncio.run(_execute(postgres_18.dsn, "CREATE DATABASE fingerprints"))
    dsn = postgres_18.dsn_of("postgres", postgres_18.password, "fingerprints")
    asyncio.run(_execute(dsn, SCHEMA))
    yield dsn
    asyncio.run(_execute(postgres_18.dsn, "DROP DATABASE fingerprints"))


@pytest.fixture
async def server(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to it."""
    sql = await asyncpg.connect(dsn)
    yield sql
    await sql.close()


async def _execute(dsn: str, text: str) -> None:
    sql = await asyncpg.connect(dsn)
    try:
        await sql.execute(text)
    finally:
        await sql.close()


async def identifiers(server: asyncpg.Connection, statements: Sequence[str]) -> list[str]:
    """Return the server's identifier of each; placeholders are values of the type that their place needs."""
    texts = [PLACEHOLDERS.sub(lambda match: match[1] or "'1'", text) for text in statements]
    texts = [re.sub(r"(?i)\bany\('1'", "ANY('{1}'", text) for text in texts]
    return [row[0] for row in await server.fetch("SELECT queryid(text) FROM unnest($1::text[]) AS text", texts)]


async def differences(server: asyncpg.Connection, statements: Iterable[str]) -> list[set[str]]:
    """Return the statements that we tell apart in another way than the server."""
    each = [*dict.fromkeys(statements)]
    by_server, by_us = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for text, identifier in zip(each, await identifiers(server, each), strict=True):
        by_server[identifier].add(text)
        by_us[normalised("postgresql", text)].add(text)
    return [group for group in by_us.values() if group not in by_server.values()]


@pytest.mark.parametrize("driver", COMPILED)
async def test_compiled_statements_are_one_where_the_server_says_so(driver: str, server: asyncpg.Connection) -> None:
    assert await differences(server, chain(*map(COMPILED[driver], SIZES))) == []


def test_there_are_two_thousand_statements() -> None:
    assert sum(len([*statements(size)]) for statements in COMPILED.values() for size in SIZES) > 2000


@pytest.mark.parametrize("driver", BY_DRIVER)
async def test_statements_by_hand_are_one_where_the_server_says_so(driver: str, server: asyncpg.Connection) -> None:
    queries = BY_DRIVER[driver]
    assert await differences(server, [text for texts in queries for text in texts]) == []
    found = [{normalised("postgresql", text) for text in texts} for texts in queries]
    assert [len(forms) for forms in found] == [1] * len(queries)
    assert len(set.union(*found)) == len(queries)


@pytest.mark.parametrize("why", EXCEPTIONS)
async def test_what_the_server_tells_apart_and_we_do_not(why: str, server: asyncpg.Connection) -> None:
    assert len({*await identifiers(server, EXCEPTIONS[why])}) == 2
    assert len({normalised("postgresql", text) for text in EXCEPTIONS[why]}) == 1


@pytest.mark.parametrize("what", SPELLINGS)
async def test_what_we_tell_apart_and_the_server_does_not(what: str, server: asyncpg.Connection) -> None:
    assert len({*await identifiers(server, SPELLINGS[what])}) == 1
    assert len({normalised("postgresql", text) for text in SPELLINGS[what]}) == 2


async def test_the_identifiers_are_those_of_pg_stat_statements(server: asyncpg.Connection) -> None:
    statements = ["SELECT id FROM items WHERE id IN (1, 2)", "SELECT count(*) FROM orders WHERE stock - 1 > 5"]
    for text in statements:
        await server.execute(text)
    recorded = await server.fetch("SELECT queryid::text AS id FROM pg_stat_statements")
    assert {*await identifiers(server, statements)} <= {row["id"] for row in recorded}


async def test_names_of_savepoints_are_values_to_the_server_too(server: asyncpg.Connection) -> None:
    texts = ("SAVEPOINT {}", "RELEASE {}")
    for name in ('"s1_x1"', "s2"):
        async with server.transaction():
            for text in texts:
                await server.execute(text.format(name))
    calls = await server.fetch(
        "SELECT sum(calls)::int AS calls FROM pg_stat_statements "
        "WHERE query ~ '^(SAVE|RELEA)' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "GROUP BY queryid"
    )
    assert [row["calls"] for row in calls] == [2, 2]
    assert {normalised("postgresql", text.format(name)) for text in texts for name in ("a", "b1")} == {
        "SAVEPOINT ?",
        "RELEASE ?",
    }
