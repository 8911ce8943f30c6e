"""The shop's servers: a Postgres with eight authors who wrote a book each, and a Valkey."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from sidecar.demo.servers import PostgresServer, ValkeyServer

TABLES = """
DROP TABLE IF EXISTS books, authors;
CREATE TABLE authors (id integer PRIMARY KEY, name text UNIQUE NOT NULL, rating integer NOT NULL DEFAULT 0);
CREATE TABLE books (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES authors);
INSERT INTO authors SELECT number, 'author ' || number FROM generate_series(1, 8) AS number;
INSERT INTO books SELECT number, 'book ' || number, number FROM generate_series(1, 8) AS number;
GRANT ALL ON authors, books TO shop;
"""
SETTINGS = {"pg_stat_statements.track_utility": "off"}
PASSWORD = "of-the-shop"  # noqa: S105 - of a server that lives as long as the recording


class Shop:
    """Both servers, and how many statements Postgres has served to the app, transactions aside."""

    def __init__(self, postgres: PostgresServer, valkey: ValkeyServer) -> None:
        self._postgres = postgres
        self.database_url = postgres.dsn_of("shop", PASSWORD, "shop")
        self.redis_url = valkey.url

    async def refill(self) -> None:
        """Bring the tables back to what they were."""
        await self._run(TABLES, "shop")

    async def count_anew(self) -> None:
        """Forget what was served."""
        await self._run("SELECT pg_stat_statements_reset()")

    async def served(self) -> int:
        """Return how many statements of the app succeeded, as Postgres itself counts them."""
        connection = await asyncpg.connect(self._postgres.dsn)
        try:
            return int(
                await connection.fetchval(
                    "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE userid = 'shop'::regrole"
                )
            )
        finally:
            await connection.close()

    async def _run(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self._postgres.dsn_of("postgres", self._postgres.password, database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def create(self) -> None:
        """Create role and database."""
        await self._run(f"CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'")
        await self._run("CREATE DATABASE shop OWNER shop")
        await self._run("CREATE EXTENSION pg_stat_statements")


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """Start the servers on random ports of loopback."""
    with PostgresServer(settings=SETTINGS) as postgres, ValkeyServer() as valkey:
        shop = Shop(postgres, valkey)
        await shop.create()
        yield shop
