"""Where pg_stat_statements cannot be asked, that is shown, and told once with what to do; the server has no errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from sidecar.collect.postgres.views import statements_available as advice
from sidecar.demo.servers import PostgresServer
from tests.integration.servers import debian_postgres_15
from tests.integration.targets import Scraped, scraping_postgres

pytestmark = pytest.mark.integration

CREATE = "CREATE EXTENSION pg_stat_statements"


@pytest.fixture(scope="module")
def bare() -> Iterator[PostgresServer]:
    """Postgres without anything loaded."""
    with PostgresServer(debian_postgres_15(), {"shared_preload_libraries": ""}) as server:
        yield server


@contextmanager
def asking(dsn: str) -> Iterator[Scraped]:
    with scraping_postgres(dsn, views={"preset": "full"}, statements={"query_text": True}) as target:
        yield target


async def run(server: PostgresServer, *statements: str) -> None:
    connection: Any = await asyncpg.connect(server.dsn)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [], [advice.NOT_LOADED, advice.NOT_CREATED]),
        ([CREATE], ["DROP EXTENSION pg_stat_statements"], [advice.NOT_LOADED]),
    ],
)
async def test_server_that_does_not_record_is_not_asked(
    bare: PostgresServer, before: list[str], after: list[str], told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    await run(bare, *before)
    log = bare.directory / "log"
    size = log.stat().st_size
    with asking(bare.dsn) as target:
        await target.scrape()
        samples = await target.scrape()
    await run(bare, *after)
    assert samples["sidecar_pg_statements_available"] == {(): 0}
    assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    assert [caplog.text.count(line) for line in told] == [1] * len(told)
    assert "ERROR" not in log.read_bytes()[size:].decode()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [], advice.NOT_CREATED),
        (
            [CREATE, "REVOKE EXECUTE ON FUNCTION pg_stat_statements(bool) FROM PUBLIC"],
            ["DROP EXTENSION pg_stat_statements"],
            advice.NOT_USABLE,
        ),
        (
            [CREATE, "ALTER ROLE asking SET compute_query_id = off"],
            ["DROP EXTENSION pg_stat_statements"],
            advice.NO_QUERY_IDS,
        ),
        (
            [CREATE, "ALTER ROLE asking SET pg_stat_statements.track = 'none'"],
            ["DROP EXTENSION pg_stat_statements"],
            advice.NOT_TRACKED,
        ),
    ],
)
async def test_what_is_missing_is_told_until_it_is_there(
    postgres_15: PostgresServer, before: list[str], after: list[str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    await run(postgres_15, "CREATE ROLE asking LOGIN PASSWORD 'c4nary' IN ROLE pg_monitor", *before)
    try:
        with asking(postgres_15.dsn_of("asking", "c4nary")) as target:
            samples = await target.scrape()
            assert (samples["sidecar_pg_statements_available"], caplog.text.count(told)) == ({(): 0}, 1)
            assert set(samples["pg_scrape_collector_success"].values()) == {1.0}
    finally:
        await run(postgres_15, *after, "DROP ROLE asking")
