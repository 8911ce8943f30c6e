"""Values of every type in queries of the operator's own, as Postgres 15 and 18 mean them."""

import math
from typing import Any

import asyncpg
import pytest

from sidecar.demo.servers import PostgresServer
from tests.integration.test_postgres_queries import scraping

pytestmark = pytest.mark.integration

NUMBERS = {
    "'infinity'::timestamptz": math.inf,
    "'-infinity'::timestamp": -math.inf,
    "'infinity'::date": math.inf,
    "'20000-01-01 00:00:00+00'::timestamptz": 568_971_820_800,
    "'20000-01-01'::date": 568_971_820_800,
    "'0044-03-15 BC'::date": None,
    "'0044-03-15 00:00:00 BC'::timestamp": None,
    "'1969-12-31 23:59:59.5+00'::timestamptz": -1,
    "'294276-12-31 23:59:59'::timestamp": None,
    "'2000-01-01 00:00:00'::timestamp": 946_684_800,
    "'NaN'::numeric": math.nan,
    "'Infinity'::numeric": math.inf,
    "'1e400'::numeric": math.inf,
    "'-1e400'::numeric": -math.inf,
    "'12.50'::money": 12.5,
    "'Infinity'::float8": math.inf,
    "'-Infinity'::float4": -math.inf,
    "9223372036854775807": 9223372036854775807.0,
    "4294967295::oid": 4294967295,
    "true": 1,
    "B'101'": 101,
    "'7'::name": 7,
    "'7'::varchar(3)": 7,
    "'7'::json": 7,
    "'7'::jsonb": 7,
    "7::positive": 7,
    "'7'::digit": 7,
}
"""Expressions, and the number that each is; None: what the server says to EXTRACT(EPOCH ...)."""

UNREADABLE = [
    *(
        "interval '1 day'",
        "ARRAY[1]",
        "int4range(1, 2)",
        "point(1, 2)",
        "ROW(1, 2.5, now())",
        "'x'::text",
        "'c4nary'::bytea",
    ),
]

LABELS = {
    "'infinity'::timestamptz": "infinity",
    "'-infinity'::date": "-infinity",
    "'2024-01-01'::date": "1704067200",
    "'1 year 2 mons -3 days 04:05:06.7'::interval": "1 year 2 mons -3 days 04:05:06.7",
    "'1.50'::numeric": "1.50",
    "'NaN'::float8": "NaN",
    "'10.0.0.1'::inet": "10.0.0.1",
    "'10.0.0.0/8'::cidr": "10.0.0.0/8",
    "'fe80::1/64'::inet": "fe80::1/64",
    "B'101'": "101",
    "B''::varbit": "",
    "'23:59:59.5'::time": "23:59:59.5",
    "'24:00'::time": "24:00:00",
    "0.0001::numeric": "0.0001",
    "-12345678.90::numeric": "-12345678.90",
    "10000::numeric": "10000",
    "1e-9::numeric": "0.000000001",
    "0.00::numeric": "0.00",
    "'a'::\"char\"": "a",
    "'12:00'::time": "12:00:00",
    "ARRAY['a', 'b c', NULL, '', 'null']": '{a,"b c",NULL,"","null"}',
    "ARRAY[[1, 2], [3, 4]]": "{{1,2},{3,4}}",
    "int4range(1, 5)": "[1,5)",
    "numrange(NULL, 1.5, '(]')": "(,1.5]",
    "int4range(1, 1)": "empty",
    "'{\"a\": 1}'::jsonb": '{"a": 1}',
}


async def asked(server: PostgresServer, expression: str) -> Any:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(f"SELECT {expression}")
    finally:
        await connection.close()


def query_of(expressions: list[str], usage: str) -> str:
    columns = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))
    metrics = "".join(f"\n    - c{number}: {{usage: {usage}}}" for number in range(len(expressions)))
    return f"all:\n  query: |\n    SELECT 1 AS n, {columns}\n  metrics:\n    - n: {{usage: GAUGE}}{metrics}\n"


async def test_every_type_is_the_number_that_postgres_means(postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE digit AS ENUM ('7')")
    try:
        with scraping(postgres, query_of([*NUMBERS, *UNREADABLE], "GAUGE")) as target:
            samples = await target.scrape()
    finally:
        await connection.execute("DROP DOMAIN positive; DROP TYPE digit")
    for number, (expression, value) in enumerate(NUMBERS.items()):
        if value is None:
            value = float(await connection.fetchval(f"SELECT floor(EXTRACT(EPOCH FROM {expression}))"))
        (shown,) = samples.get(f"all_c{number}", {"": "nothing"}).values()
        assert shown == pytest.approx(value, nan_ok=True), expression
    assert target.counted("sidecar_pg_unreadable_total", target="main") == len(UNREADABLE)
    await connection.close()


async def test_labels_are_postgres_text(postgres: PostgresServer) -> None:
    with scraping(postgres, query_of(list(LABELS), "LABEL")) as target:
        samples = await target.scrape()
    (shown,) = samples["all_n"]
    assert [dict(shown).get(f"c{number}", "") for number in range(len(LABELS))] == list(LABELS.values())


@pytest.mark.parametrize("interval", ["'13 mons 2 days 00:00:01.5'", "'-1 year -1 day'", "'1 hour'"])
async def test_durations_are_those_of_postgres(postgres: PostgresServer, interval: str) -> None:
    with scraping(postgres, query_of([f"{interval}::interval"], "DURATION")) as target:
        samples = await target.scrape()
    (shown,) = samples["all_c0_milliseconds"].values()
    assert shown == 1000 * float(await asked(postgres, f"EXTRACT(EPOCH FROM {interval}::interval)"))
