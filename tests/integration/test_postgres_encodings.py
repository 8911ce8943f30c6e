"""Names and texts that are no UTF-8, on servers and in databases of six encodings: shown, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.demo.servers import HOST, PostgresServer
from tests.integration.targets import scraping_postgres
from tests.integration.test_postgres_queries import scraping
from tests.integration.topologies.pgbouncer import PgBouncer

pytestmark = pytest.mark.integration

ENCODINGS = {
    "UTF8": "utf-8",
    "LATIN1": "iso8859-1",
    "LATIN2": "iso8859-2",
    "WIN1252": "cp1252",
    "EUC_JP": "euc_jp",
    "SQL_ASCII": "utf-8",
}
FULL = {"preset": "full"}


@asynccontextmanager
async def database_in(server: PostgresServer, encoding: str) -> AsyncIterator[Any]:
    """Yield a superuser's connection that sends and gets bytes as they are, to a new database `coded`."""
    superuser = await asyncpg.connect(server.dsn)
    await superuser.execute(f"CREATE DATABASE coded ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    connection = await asyncpg.connect(server.dsn_of("postgres", server.password, "coded"))
    try:
        yield connection
    finally:
        await connection.close()
        await superuser.execute("DROP DATABASE coded WITH (FORCE)")
        await superuser.close()


async def run_with_bytes(connection: Any, statement: str, raw: bytes) -> None:
    """Run `statement` with the identifier `raw`, whatever it is made of, where it has a `%I`."""
    escapes = "".join(f"\\x{byte:02x}" for byte in raw)
    await connection.execute(f"DO $$ BEGIN EXECUTE format('{statement}', E'{escapes}'); END $$")


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
async def test_names_from_a_database_of_another_encoding_cost_nothing(
    postgres_18: PostgresServer, encoding: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = "café".encode("latin-1")
    async with database_in(postgres_18, encoding) as sql:
        if encoding == "EUC_JP":
            raw = "カ".encode("euc_jp")
        await run_with_bytes(sql, "CREATE ROLE %I LOGIN", raw)
        superuser = await asyncpg.connect(postgres_18.dsn)
        try:
            # CREATE DATABASE is for no function.
            await superuser.execute("CREATE DATABASE renamed")
            await run_with_bytes(sql, "ALTER DATABASE renamed RENAME TO %I", raw)
            for database in ("postgres", "coded"):
                caplog.clear()
                dsn = postgres_18.dsn_of("postgres", postgres_18.password, database)
                with scraping_postgres(dsn, views=FULL, databases={"discover": True}) as target:
                    await target.scrape()
                    samples = await target.scrape()
                assert set(samples["pg_scrape_collector_success"].values()) == {1.0}, caplog.text
                assert (samples["pg_up"], samples["pg_exporter_last_scrape_error"]) == ({(): 1}, {(): 0})
                shown = {dict(labels)["datname"] for labels in samples["pg_database_connection_limit"]}
                roles = {dict(labels)["rolname"] for labels in samples["pg_roles_connection_limit"]}
                escaped = raw.decode(errors="backslashreplace")
                name = escaped if database == "postgres" or encoding == "SQL_ASCII" else raw.decode(ENCODINGS[encoding])
                assert name in shown
                assert name in roles
                assert caplog.text.count("are not visited") == 1
                assert f"`{escaped}`" in caplog.text
        finally:
            await run_with_bytes(sql, "ALTER DATABASE %I RENAME TO renamed", raw)
            await superuser.execute("DROP DATABASE renamed")
            await run_with_bytes(sql, "DROP ROLE %I", raw)
            await superuser.close()


QUERY = """
known:
  query: |
    SELECT 'größe' AS kind, relname, 1 AS "größe", 7 AS value, ARRAY[relname::text] AS names, oid::regclass AS named
      FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'
  metrics:
    - kind: {usage: LABEL}
    - relname: {usage: LABEL}
    - names: {usage: LABEL}
    - named: {usage: LABEL}
    - value: {usage: GAUGE}
"""


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "WIN1252", "SQL_ASCII"])
async def test_query_with_letters_is_understood_in_every_encoding(postgres_15: PostgresServer, encoding: str) -> None:
    async with database_in(postgres_15, encoding) as sql:
        await run_with_bytes(sql, "CREATE TABLE %I ()", "maß".encode(ENCODINGS[encoding]))
        dsn = postgres_15.dsn_of("postgres", postgres_15.password, "coded")
        with scraping(postgres_15, QUERY, dsn, databases={"discover": True}) as target:
            samples = await target.scrape()
    labels = {(dict(labels)["kind"], dict(labels)["relname"]) for labels in samples["known_value"]}
    assert ("größe", "maß") in labels


async def test_query_with_letters_is_understood_behind_a_pooler(
    pgbouncer_transaction: PgBouncer, postgres_15: PostgresServer
) -> None:
    async with database_in(postgres_15, "LATIN1") as sql:
        await run_with_bytes(sql, "CREATE TABLE %I ()", "maß".encode("latin-1"))
        dsn = pgbouncer_transaction.dsn_of("postgres", postgres_15.password, "coded")
        for _ in range(2):
            with scraping(postgres_15, QUERY, dsn) as target:
                samples = await target.scrape()
                again = await target.scrape()
            assert set(again["pg_scrape_collector_success"].values()) == {1.0}
            assert samples["known_value"].keys() == again["known_value"].keys()
            assert {dict(labels)["relname"] for labels in again["known_value"]} == {"maß"}
        pooled = await asyncpg.connect(dsn, statement_cache_size=0)
        left = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'sidecar%'"
        assert await pooled.fetchval(left) == 0
        await pooled.close()
        console = await asyncpg.connect(pgbouncer_transaction.dsn_of("postgres", postgres_15.password, "pgbouncer"))
        await console.execute("RECONNECT")
        await console.close()


def letters(encoding: str) -> st.SearchStrategy[str]:
    def fits(text: str) -> bool:
        try:
            raw = text.encode(ENCODINGS[encoding])
        except UnicodeEncodeError:
            return False
        return 0 < len(raw) <= 60 and raw.decode(ENCODINGS[encoding]) == text

    repertoire = {"EUC_JP": "カタナ漢字あいう", "UTF8": "é€漢😀", "SQL_ASCII": "é€漢😀"}.get(encoding)
    others = "".join(bytes([byte]).decode(ENCODINGS[encoding], "ignore") for byte in range(0xA1, 0x100))
    return st.text(st.sampled_from((repertoire or others) + "ab \"'.{}%"), min_size=1, max_size=12).filter(fits)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_of_tables_are_shown_as_they_are(postgres_15: PostgresServer, encoding: str, data: st.DataObject) -> None:
    names = data.draw(st.lists(letters(encoding), min_size=1, max_size=30, unique=True))
    assert asyncio.run(shown_tables(postgres_15, encoding, names)) == set(names)


async def shown_tables(server: PostgresServer, encoding: str, names: list[str]) -> set[str]:
    """Return the tables that are shown of a database in `encoding` that has those with `names`."""
    views = {"exclude": [view.name for view in POSTGRES_VIEWS if view.name != "stat_user_tables"]}
    async with database_in(server, encoding) as sql:
        for name in names:
            await run_with_bytes(sql, "CREATE TABLE %I ()", name.encode(ENCODINGS[encoding]))
        with scraping_postgres(server.dsn_of("postgres", server.password, "coded"), views=views) as target:
            samples = await target.scrape()
    return {dict(labels)["relname"] for labels in samples["pg_stat_user_tables_seq_scan"]}


async def test_error_that_is_not_utf8_is_told_escaped(
    postgres_15: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    odd = "SELECT name::int AS n FROM (VALUES ('caf' || chr(233))) AS names (name)"
    text = f"odd: {{query: {odd}}}\ngood: {{query: SELECT 1 AS n}}\n"
    async with database_in(postgres_15, "LATIN1"):
        with scraping(postgres_15, text, postgres_15.dsn_of("postgres", postgres_15.password, "coded")) as target:
            samples = await target.scrape()
    assert r'invalid input syntax for type integer: "caf\xe9"' in caplog.text
    assert samples["pg_scrape_collector_success"][("collector", "odd"),] == 0
    assert samples["pg_scrape_collector_success"][("collector", "good"),] == 1


async def test_refusal_that_is_not_utf8_is_a_refusal_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    refusal = b"SFATAL\0C28P01\0MPasswort falsch f\xfcr x\0\0"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with scraping_postgres(f"postgresql://u:c4nary@{HOST}:{port}/x?sslmode=disable") as target:
            assert (await target.scrape())["pg_up"] == {(): 0}
    assert "the server closed the connection, without a message or with one that is not UTF-8" in caplog.text
