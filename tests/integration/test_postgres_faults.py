"""The Postgres runner when the server is slow, locked, silent, away or asks for another password."""

import asyncio
import logging
import time
from pathlib import Path

import asyncpg
import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.config import Preset
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import NO_LIMITS, Limits, View, one
from sidecar.demo.servers import PostgresServer
from sidecar.model.family import Family, MetricType
from tests.fakes import until
from tests.integration.servers import full_backlog, silent_listener
from tests.integration.targets import scraping_postgres

pytestmark = pytest.mark.integration

CANARY = "c4nary"
PROBE = Family("probe", MetricType.GAUGE, "Probe.")

OUR_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'sidecar/%'"


STUBBORN = """
DO $$ BEGIN
  PERFORM pg_sleep(60);
EXCEPTION WHEN query_canceled THEN
  PERFORM pg_sleep(3);
END $$
"""


def probe_of(sql: str, limits: Limits = NO_LIMITS) -> View:
    return View(
        name="probe",
        sql={0: sql},
        families=(PROBE,),
        convert=lambda rows, server: one(PROBE, rows[0]["value"]),
        limits=limits,
    )


def own_tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def test_server_that_never_answers_ends_at_the_deadline() -> None:
    async with silent_listener() as port:
        with scraping_postgres(
            f"postgresql://app:{CANARY}@127.0.0.1:{port}/x?sslmode=disable", timeout_seconds=0.3
        ) as target:
            before, started = len(own_tasks()), time.monotonic()
            samples = await target.scrape()
            assert time.monotonic() - started < 3
            await asyncio.sleep(0)
            assert len(own_tasks()) <= before + 1  # the listener's own handler
    assert samples["pg_up"] == {(): 0}
    assert set(samples["pg_scrape_collector_success"].values()) == {0}
    config = PostgresConfig.model_validate({"dsn": "postgresql://db"})
    by_default = [view.for_target(config) for view in POSTGRES_VIEWS if Preset.BASIC.has(view.preset)]
    assert len(samples["pg_scrape_collector_success"]) == sum(bool(view.sql) for view in by_default)


async def test_server_that_never_connects_ends_at_the_deadline() -> None:
    with full_backlog() as port, scraping_postgres(f"postgresql://127.0.0.1:{port}/x", timeout_seconds=0.3) as target:
        started = time.monotonic()
        samples = await target.scrape()
        assert time.monotonic() - started < 3
        assert not own_tasks()
    assert samples["pg_up"] == {(): 0}


async def test_waiting_for_a_lock_is_cut_short_and_harms_no_other_view(postgres_18: PostgresServer) -> None:
    holder = await asyncpg.connect(postgres_18.dsn)
    await holder.execute("CREATE TABLE held AS SELECT 1 AS value")
    try:
        views = (probe_of("SELECT value FROM held"), *POSTGRES_VIEWS)
        async with holder.transaction():
            await holder.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
            with scraping_postgres(postgres_18.dsn, views, timeout_seconds=2) as target:
                started = time.monotonic()
                samples = await target.scrape()
                assert time.monotonic() - started < 5
    finally:
        await holder.execute("DROP TABLE held")
        await holder.close()
    success = {dict(labels)["collector"]: value for labels, value in samples["pg_scrape_collector_success"].items()}
    assert success.pop("probe") == 0
    assert set(success.values()) == {1}


async def test_slow_view_has_a_share_of_the_time_and_harms_no_other(postgres_18: PostgresServer) -> None:
    views = (probe_of("SELECT 1 AS value FROM pg_sleep(60)"), *POSTGRES_VIEWS)
    with scraping_postgres(postgres_18.dsn, views, timeout_seconds=4) as target:
        samples = [await target.scrape() for _ in range(2)]
    for sample in samples:
        success = {dict(labels)["collector"]: value for labels, value in sample["pg_scrape_collector_success"].items()}
        assert success.pop("probe") == 0
        assert set(success.values()) == {1}
        assert sample["pg_exporter_last_scrape_error"] == {(): 0}


async def test_view_with_a_long_limit_is_ended_by_the_server_before_the_deadline(postgres_18: PostgresServer) -> None:
    slow = probe_of("SELECT 1 AS value FROM pg_sleep(60)", Limits(statement_seconds=60))
    with scraping_postgres(postgres_18.dsn, (*POSTGRES_VIEWS, slow), timeout_seconds=3) as target:
        samples = await target.scrape()
        assert samples["pg_scrape_collector_success"][("collector", "probe"),] == 0
        assert (samples["pg_up"], samples["pg_exporter_last_scrape_error"]) == ({(): 1}, {(): 0})
        watcher = await asyncpg.connect(postgres_18.dsn)
        assert await watcher.fetchval(f"{OUR_BACKENDS} AND state <> 'idle'") == 0
        await watcher.close()


async def test_statement_that_heeds_no_limit_ends_at_the_deadline_and_the_server_lets_go(
    postgres_18: PostgresServer,
) -> None:
    watcher = await asyncpg.connect(postgres_18.dsn)
    with scraping_postgres(postgres_18.dsn, (*POSTGRES_VIEWS, probe_of(STUBBORN)), timeout_seconds=1.5) as target:
        started = time.monotonic()
        samples = await target.scrape()
        assert time.monotonic() - started < 5
        assert (samples["pg_up"], samples["pg_exporter_last_scrape_error"]) == ({(): 1}, {(): 1})
        assert "pg_locks_count" in samples
        await until(lambda: not own_tasks())
        # The server sees that its client is gone when the statement ends.
        async with asyncio.timeout(10):
            while await watcher.fetchval(OUR_BACKENDS):
                pass
    await watcher.close()


async def test_stopped_server_is_down_and_comes_back_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with PostgresServer() as server, scraping_postgres(server.dsn) as target:
        assert (await target.scrape())["pg_up"] == {(): 1}
        await asyncio.to_thread(server.kill)
        for _ in range(3):
            assert (await target.scrape())["pg_up"] == {(): 0}
        await asyncio.to_thread(server.start)
        assert (await target.scrape())["pg_up"] == {(): 1}
    assert [batch.up for batch in target.batches] == [True, False, False, False, True]
    assert (caplog.text.count("is down"), caplog.text.count("is up")) == (1, 1)


async def test_terminated_backend_is_replaced_at_the_next_scrape(postgres_18: PostgresServer) -> None:
    killer = await asyncpg.connect(postgres_18.dsn)
    with scraping_postgres(postgres_18.dsn) as target:
        await target.scrape()
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sidecar/%'"
        )
        async with asyncio.timeout(10):
            while await killer.fetchval(OUR_BACKENDS):
                pass
        assert (await target.scrape())["pg_up"] == {(): 1}
    await killer.close()


async def test_password_file_is_read_again_for_each_connection(postgres_18: PostgresServer, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text("wrong")
    dsn = f"postgresql://postgres@{postgres_18.host}:{postgres_18.port}/postgres"
    with scraping_postgres(dsn, password_file=str(password_file)) as target:
        assert (await target.scrape())["pg_up"] == {(): 0}
        password_file.write_text(f"{postgres_18.password}\n")
        assert (await target.scrape())["pg_up"] == {(): 1}


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://postgres:{CANARY}@127.0.0.1:%PORT%/postgres",
        f"postgresql://127.0.0.1:%PORT%/postgres?user=postgres&password={CANARY}",
        f"host=127.0.0.1 port=%PORT% user=postgres password={CANARY}",
        f"postgresql://postgres:{CANARY}@127.0.0.1:{CANARY}/x",
        f"postgres:{CANARY}@127.0.0.1:%PORT%",
        f"mysql://postgres:{CANARY}@127.0.0.1/x",
        f"postgresql://postgres:p@ss/{CANARY}@127.0.0.1/x",
        f"postgresql://127.0.0.1:%PORT%/postgres?sslmode={CANARY}&password={CANARY}",
    ],
)
async def test_secret_is_in_no_log_and_on_no_page(
    postgres_18: PostgresServer, dsn: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    # From a file, because the configuration itself refuses some of these.
    dsn_file = tmp_path / "dsn"
    dsn_file.write_text(dsn.replace("%PORT%", str(postgres_18.port)))
    with scraping_postgres(None, dsn_file=str(dsn_file)) as target:
        samples = await target.scrape()
        page = target.pages.render().decode()
    assert samples["pg_up"] == {(): 0}
    assert "is down" in caplog.text
    assert CANARY not in caplog.text + page
