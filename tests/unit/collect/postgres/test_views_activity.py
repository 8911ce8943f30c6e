"""Views of transactions, VACUUM and autovacuum: what they make of rows."""

from typing import Any

from sidecar.collect.postgres.config import PostgresConfig
from tests.unit.collect.postgres.converting import BLIND, convert, view

VACUUM: dict[str, Any] = {
    "datname": "shop",
    "relname": "orders",
    "phase": "scanning heap",
    "heap_blks_total": 100,
    "heap_blks_scanned": 40,
    "heap_blks_vacuumed": 0,
    "index_vacuum_count": 0,
    "max_dead_tuples": 291,
    "num_dead_tuples": 17,
}


def test_vacuum_is_in_one_phase() -> None:
    values = convert("stat_progress_vacuum", VACUUM)
    phases = {series: value for series, value in values.items() if series.startswith("pg_stat_progress_vacuum_phase")}
    assert len(phases) == 7
    assert [series for series, value in phases.items() if value] == [
        'pg_stat_progress_vacuum_phase{datname="shop",phase="scanning heap",relname="orders"}'
    ]
    labels = '{datname="shop",relname="orders"}'
    assert values[f"pg_stat_progress_vacuum_heap_blks{labels}"] == 100
    assert values[f"pg_stat_progress_vacuum_index_vacuums{labels}"] == 0
    assert values[f"pg_stat_progress_vacuum_max_dead_tuples{labels}"] == 291


def test_vacuum_of_a_server_that_counts_in_bytes_has_no_limit() -> None:
    row = {name: value for name, value in VACUUM.items() if name != "max_dead_tuples"}
    values = convert("stat_progress_vacuum", row)
    assert not [series for series in values if "max_dead_tuples" in series]
    assert values['pg_stat_progress_vacuum_num_dead_tuples{datname="shop",relname="orders"}'] == 17


def test_vacuum_of_which_only_the_process_is_known_is_left_out() -> None:
    assert convert("stat_progress_vacuum", dict.fromkeys(VACUUM) | {"datname": "shop"}) == {}


def test_transactions_are_unknown_to_whom_they_are_hidden() -> None:
    row = {"transactions": 2, "oldest_seconds": 9.5}
    assert convert("long_running_transactions", row) == {
        "pg_long_running_transactions": 2,
        "pg_long_running_transactions_oldest_timestamp_seconds": 9.5,
    }
    assert convert("long_running_transactions", row, server=BLIND) == {}


def test_age_from_which_a_transaction_is_long_comes_from_the_configuration() -> None:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "long_transaction_seconds": 60})
    assert "secs => 60.0)" in (view("long_running_transactions").for_target(config).sql_for(180006) or "")
    assert "secs => 0)" in (view("long_running_transactions").sql_for(180006) or "")


def test_autovacuum_is_named_after_its_table_and_the_oldest_of_a_name_is_shown() -> None:
    rows = [
        {"relname": "orders (to prevent wraparound)", "started": 50.0},
        {"relname": "orders", "started": 70.0},
        {"relname": "users", "started": 60.0},
    ]
    assert convert("stat_activity_autovacuum", *rows) == {
        'pg_stat_activity_autovacuum_timestamp_seconds{relname="orders"}': 50,
        'pg_stat_activity_autovacuum_timestamp_seconds{relname="users"}': 60,
    }
    assert convert("stat_activity_autovacuum") == {}
