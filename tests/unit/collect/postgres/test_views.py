"""Views: what they make of rows, by server version."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.config import Preset
from sidecar.collect.postgres import summary
from sidecar.collect.postgres.view import Server
from tests.unit.collect.postgres.converting import BLIND, convert, view


def theirs(shared_data: Path) -> list[dict[str, str]]:
    """Return what postgres_exporter has of the registered collectors, except settings, which depend on the server."""
    collectors = {view.name for view in POSTGRES_VIEWS} - {"settings"} | {"(collector framework)"}
    with (shared_data / "exporters" / "postgres_metrics.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["scope"] in {"must", "option"}]
    return [row for row in rows if row["collector"] in collectors or row["collector"].startswith("(legacy exporter")]


def test_every_family_of_these_collectors_is_there_with_its_type_and_labels(shared_data: Path) -> None:
    ours = {family.name: family for view in POSTGRES_VIEWS for family in view.families}
    ours |= {family.name: family for family in summary.FAMILIES}
    for row in theirs(shared_data):
        family = ours[row["name"]]
        assert (family.type, ",".join(family.labels)) == (row["type"], row["labels"]), row["name"]


def test_what_postgres_exporter_has_on_is_on_by_default(shared_data: Path) -> None:
    on = {family.name for view in POSTGRES_VIEWS if Preset.BASIC.has(view.preset) for family in view.families}
    on |= {family.name for family in summary.FAMILIES}
    assert {row["name"] for row in theirs(shared_data) if row["scope"] == "must"} <= on


def test_smallest_preset_has_what_alerts_need() -> None:
    alerts = {
        "locks",
        "replication",
        "replication_slots",
        "settings",
        "stat_activity",
        "stat_bgwriter",
        "stat_database",
    }
    assert alerts <= {view.name for view in POSTGRES_VIEWS if view.preset is Preset.MINIMAL}


@pytest.mark.parametrize(
    ("name", "version", "table"),
    [
        ("stat_bgwriter", 160004, "pg_stat_bgwriter"),
        ("stat_bgwriter", 170000, "pg_stat_checkpointer"),
        ("stat_bgwriter", 180006, "write_bytes"),
        ("stat_database", 140000, "active_time"),
        ("stat_database_conflicts", 160000, "confl_active_logicalslot"),
        ("stat_progress_vacuum", 160004, "max_dead_tuples"),
        ("stat_progress_vacuum", 170000, "num_dead_item_ids AS num_dead_tuples"),
        ("stat_wal_receiver", 130000, "flushed_lsn"),
        ("replication_slots", 130000, "wal_status"),
    ],
)
def test_statement_is_chosen_by_version(name: str, version: int, table: str) -> None:
    assert table in (view(name).sql_for(version) or "")


def test_view_does_not_exist_below_its_first_version() -> None:
    assert view("replication").sql_for(90600) is None
    assert view("stat_checkpointer").sql_for(160004) is None
    assert view("buffercache_summary").sql_for(150018) is None
    assert "active_time" not in (view("stat_database").sql_for(130000) or "")


def test_null_is_no_sample_and_a_missing_column_no_family() -> None:
    row = {"datid": "5", "datname": "shop", "xact_commit": 7, "blk_read_time": Decimal("1.5"), "deadlocks": None}
    assert convert("stat_database", row) == {
        'pg_stat_database_xact_commit{datid="5",datname="shop"}': 7.0,
        'pg_stat_database_blk_read_time{datid="5",datname="shop"}': 1.5,
    }


def test_size_that_may_not_be_asked_for_is_left_out() -> None:
    row = {"datname": "shop", "connection_limit": -1, "size_bytes": None}
    assert convert("database", row) == {'pg_database_connection_limit{datname="shop"}': -1.0}


def test_locks_have_every_mode_of_every_database() -> None:
    values = convert("locks", {"datname": "shop", "mode": "exclusivelock", "locks": 3})
    assert len(values) == 9
    assert values['pg_locks_count{datname="shop",mode="exclusivelock"}'] == 3
    assert values['pg_locks_count{datname="shop",mode="sireadlock"}'] == 0


def session(state: str | None, sessions: int = 1, **columns: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("usename", "application_name", "backend_type", "wait_event_type", "wait_event"))
    return {**empty, "datname": "shop", "state": state, "sessions": sessions, "longest_seconds": None, **columns}


def test_states_without_a_session_are_zero() -> None:
    values = convert("stat_activity", session("idle", 4, usename="app"), session(None, 0))
    counts = {series: value for series, value in values.items() if series.startswith("pg_stat_activity_count")}
    assert sum(counts.values()) == 4
    assert len(counts) == 6
    assert counts['pg_stat_activity_count{datname="shop",state="active"}'] == 0
    assert values['pg_stat_activity_max_tx_duration{datname="shop",state="idle",usename="app"}'] == 0


def test_without_pg_monitor_sessions_are_counted_and_nothing_is_made_up() -> None:
    values = convert("stat_activity", session(None, 14), session("active", longest_seconds=2.5), server=BLIND)
    assert values == {
        'pg_stat_activity_count{datname="shop"}': 14,
        'pg_stat_activity_count{datname="shop",state="active"}': 1,
        'pg_stat_activity_max_tx_duration{datname="shop",state="active"}': 2.5,
    }


@pytest.mark.parametrize(
    ("setting", "unit", "series", "value"),
    [
        ("16384", "8kB", "pg_settings_x_bytes", 16384 * 8192),
        ("64", "MB", "pg_settings_x_bytes", 64 * 1024 * 1024),
        ("5", "min", "pg_settings_x_seconds", 300),
        ("200", "ms", "pg_settings_x_seconds", 0.2),
        ("-1", "kB", "pg_settings_x_bytes", -1),
        ("on", None, "pg_settings_x", 1),
        ("off", "", "pg_settings_x", 0),
        ("0.5", None, "pg_settings_x", 0.5),
    ],
)
def test_settings_are_in_base_units(setting: str, unit: str | None, series: str, value: float) -> None:
    assert convert("settings", {"name": "x", "setting": setting, "unit": unit}) == {series: pytest.approx(value)}


def test_setting_of_an_extension_has_a_valid_name_and_one_of_unknown_unit_is_left_out() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "a.b-c", "setting": "1", "unit": None},
        {"name": "y", "setting": "1", "unit": "furlong"},
    ]
    assert convert("settings", *rows) == {"pg_settings_a_b_c": 1}


@pytest.mark.parametrize(
    ("row", "lag", "last"),
    [
        ({"is_replica": False, "caught_up": None, "since_replay": 0.0, "has_replayed": False}, 0.0, 0.0),
        ({"is_replica": True, "caught_up": True, "since_replay": 9.0, "has_replayed": True}, 0.0, 9.0),
        ({"is_replica": True, "caught_up": False, "since_replay": 9.0, "has_replayed": True}, 9.0, 9.0),
        ({"is_replica": True, "caught_up": False, "since_replay": 0.0, "has_replayed": False}, None, None),
    ],
)
def test_lag_of_a_replica(row: dict[str, Any], lag: float | None, last: float | None) -> None:
    values = convert("replication", row)
    assert values.get("pg_replication_lag_seconds") == values.get("pg_replication_lag") == lag
    assert values.get("pg_replication_last_replay_seconds") == last
    assert values["pg_replication_is_replica"] == float(row["is_replica"])


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64", "15.18.0"),
        ("PostgreSQL 19beta1 on aarch64", "19.0.0"),
        ("unknown", ""),
    ],
)
def test_short_version_has_three_parts(text: str, short: str) -> None:
    assert summary.short_version(text) == short


def test_archiver_that_has_archived_nothing_has_no_age() -> None:
    assert convert("stat_archiver", {"archived_count": 0, "failed_count": 2, "last_archive_age": None}) == {
        "pg_stat_archiver_archived_count": 0,
        "pg_stat_archiver_failed_count": 2,
    }


def test_conflicts_say_which_server_they_are_of() -> None:
    row = {"datid": "5", "datname": "shop", "confl_lock": 2, "confl_active_logicalslot": 1}
    assert convert("stat_database_conflicts", row, server=Server(160004, address="db:5432")) == {
        'pg_stat_database_conflicts_confl_lock{datid="5",datname="shop",server="db:5432"}': 2,
        'pg_stat_database_conflicts_confl_active_logicalslot{datid="5",datname="shop",server="db:5432"}': 1,
    }


def test_wal_without_files_has_no_size() -> None:
    assert convert("wal", {"segments": 0, "size_bytes": None}) == {"pg_wal_segments": 0}


def test_small_views_have_one_sample_per_row() -> None:
    assert convert("roles", {"rolname": "app", "connection_limit": -1}) == {
        'pg_roles_connection_limit{rolname="app"}': -1
    }
    assert convert("postmaster", {"start_time": 1700000000.25}) == {"pg_postmaster_start_time_seconds": 1700000000.25}
    ages = {"datname": "shop", "age_datfrozenxid": 7, "age_datminmxid": 3}
    assert convert("database_wraparound", ages) == {
        'pg_database_wraparound_age_datfrozenxid_seconds{datname="shop"}': 7,
        'pg_database_wraparound_age_datminmxid_seconds{datname="shop"}': 3,
    }


def test_buffer_cache_that_nobody_uses_has_no_mean_usage() -> None:
    buffers = {"buffers_used": 0, "buffers_unused": 9, "buffers_dirty": 0, "buffers_pinned": 0}
    assert convert("buffercache_summary", {**buffers, "usagecount_avg": None}) == {
        f"pg_buffercache_summary_{column}": value for column, value in buffers.items()
    }


def test_checkpointer_has_its_nine_counters() -> None:
    names = ["num_timed", "num_requested", "restartpoints_timed", "restartpoints_req", "restartpoints_done"]
    names += ["write_time", "sync_time", "buffers_written", "stats_reset"]
    row = {name: number for number, name in enumerate(names)}
    assert convert("stat_checkpointer", row) == {
        f"pg_stat_checkpointer_{name}_total": value for name, value in row.items()
    }
