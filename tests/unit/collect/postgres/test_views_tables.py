"""Views of tables and indexes: which tables, and what is made of their rows."""

import pytest

from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Schedule
from tests.unit.collect.postgres.converting import convert, view

OF_TABLES = ["stat_user_tables", "stat_user_tables_size", "statio_user_tables", "statio_user_indexes"]
ORDERS = {"datname": "shop", "schemaname": "public", "relname": "orders"}
LABELS = '{datname="shop",relname="orders",schemaname="public"}'


@pytest.mark.parametrize("name", OF_TABLES)
def test_limit_comes_from_the_configuration(name: str) -> None:
    config = PostgresConfig.model_validate({"dsn": "postgresql://db", "tables": {"max": 7}})
    assert "LIMIT 7)" in (view(name).for_target(config).sql_for(180006) or "")
    assert "LIMIT 300)" in (view(name).sql_for(180006) or "")


@pytest.mark.parametrize("name", OF_TABLES)
def test_partitioned_tables_count_where_the_statistics_have_them(name: str) -> None:
    assert "'p'" not in (view(name).sql_for(130023) or "")
    assert "'p'" in (view(name).sql_for(140000) or "")


def test_only_the_counters_are_asked_each_time() -> None:
    assert view("stat_user_tables").schedule == Schedule(per_database=True)
    sizes = view("stat_user_tables_size")
    assert sizes.schedule == Schedule(per_database=True, every_seconds=300, slow=True)
    assert sizes.limits.lock_seconds == 0.1


def test_what_a_table_does_not_have_is_left_out() -> None:
    row = {**ORDERS, "seq_scan": 4, "idx_scan": None, "last_vacuum": 0.0, "found": 1}
    assert convert("stat_user_tables", row) == {
        f"pg_stat_user_tables_seq_scan{LABELS}": 4,
        f"pg_stat_user_tables_last_vacuum{LABELS}": 0,
        'sidecar_pg_tables_left_out{datname="shop"}': 0,
    }


def test_tables_over_the_limit_are_counted() -> None:
    rows = [{**ORDERS, "relname": name, "found": 12} for name in ("a", "b")]
    assert convert("stat_user_tables", *rows) == {'sidecar_pg_tables_left_out{datname="shop"}': 10}
    assert convert("stat_user_tables") == {}


def test_sizes_of_a_table_dropped_meanwhile_are_left_out() -> None:
    row = {**ORDERS, "index_size_bytes": 16384, "table_size_bytes": None}
    assert convert("stat_user_tables_size", row) == {f"pg_stat_user_tables_index_size_bytes{LABELS}": 16384}


def test_blocks_of_a_table_have_the_names_of_their_parts() -> None:
    row = {**ORDERS, "heap_blks_read": 1, "idx_blks_hit": 2, "toast_blks_read": None, "tidx_blks_hit": 3}
    assert convert("statio_user_tables", row) == {
        f"pg_statio_user_tables_heap_blocks_read{LABELS}": 1,
        f"pg_statio_user_tables_idx_blocks_hit{LABELS}": 2,
        f"pg_statio_user_tables_tidx_blocks_hit{LABELS}": 3,
    }


def test_blocks_of_an_index() -> None:
    row = {"schemaname": "public", "relname": "orders", "indexrelname": "key", "idx_blks_read": 1, "idx_blks_hit": 2}
    labels = '{indexrelname="key",relname="orders",schemaname="public"}'
    assert convert("statio_user_indexes", row) == {
        f"pg_statio_user_indexes_idx_blks_read_total{labels}": 1,
        f"pg_statio_user_indexes_idx_blks_hit_total{labels}": 2,
    }
