"""Views that no exporter has: what they make of rows."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Notes, Server, View
from tests.unit.collect.scraping import values_of

SERVER = Server(180006)
BLIND = Server(180006, can_monitor=False)


def view(name: str) -> View:
    return next(view for view in POSTGRES_VIEWS if view.name == name)


def convert(name: str, *rows: Mapping[str, Any], server: Server = SERVER) -> dict[str, float]:
    return values_of(view(name).convert(rows, server))


def waiter(pid: int | None, *blockers: int, datname: str = "shop", seconds: float | None = 1.0) -> dict[str, Any]:
    return {"datname": datname, "pid": pid, "seconds": seconds, "blockers": list(blockers)}


def blocking(*rows: Mapping[str, Any], datname: str = "shop") -> list[float]:
    """Return the values of one database: blocked, roots, longest wait, chain."""
    label = f'{{datname="{datname}"}}'
    return [value for series, value in convert("blocking", *rows).items() if series.endswith(label)]


def test_nobody_who_waits_is_a_zero_for_every_database() -> None:
    assert blocking(waiter(None), waiter(None, datname="wiki"), datname="wiki") == [0, 0, 0, 0]


def test_chain_has_one_root_and_its_waiters_in_a_row() -> None:
    rows = waiter(2, 1, seconds=9.0), waiter(3, 2, 1, seconds=5.0), waiter(4, 3, 2, 1, seconds=None)
    assert blocking(*rows) == [3, 1, 9, 3]


def test_databases_are_counted_apart() -> None:
    rows = waiter(2, 1), waiter(12, 11, datname="wiki"), waiter(13, 10, datname="wiki")
    assert blocking(*rows) == [1, 1, 1, 1]
    assert blocking(*rows, datname="wiki") == [2, 2, 1, 1]


def test_deadlock_not_yet_found_ends_the_walk() -> None:
    blocked, roots, _, chain = blocking(waiter(1, 2), waiter(2, 1))
    assert (blocked, roots) == (2, 0)
    assert 1 <= chain <= 2


def test_waiter_that_was_not_asked_is_no_root() -> None:
    rows = waiter(2, 3), {**waiter(3), "blockers": None}
    assert blocking(*rows) == [2, 0, 1, 2]


def test_long_queue_for_one_lock_is_one_chain() -> None:
    rows = [waiter(pid, *range(1, pid)) for pid in range(2, 102)]
    assert blocking(*reversed(rows)) == [100, 1, 1, 100]


def wait(kind: str, event: str, sessions: int) -> dict[str, Any]:
    return {"wait_event_type": kind, "wait_event": event, "sessions": sessions}


def test_waits_are_counted_by_type_with_zeros_and_by_event_without() -> None:
    values = convert("waits", wait("none", "", 3), wait("IO", "DataFileRead", 2), wait("IO", "WALSync", 1))
    active = {series: value for series, value in values.items() if series.startswith("sidecar_pg_active_sessions")}
    assert sum(active.values()) == 6
    assert active['sidecar_pg_active_sessions{wait_event_type="IO"}'] == 3
    assert active['sidecar_pg_active_sessions{wait_event_type="LWLock"}'] == 0
    assert values['sidecar_pg_wait_event_sessions{wait_event="DataFileRead",wait_event_type="IO"}'] == 2
    assert len(values) - len(active) == 2


def test_rare_wait_events_are_counted_together() -> None:
    values = convert("waits", *(wait("Extension", f"event{number}", 1 + (number == 40)) for number in range(50)))
    events = {series: value for series, value in values.items() if "wait_event_sessions" in series}
    assert len(events) == 31
    assert events['sidecar_pg_wait_event_sessions{wait_event="event40",wait_event_type="Extension"}'] == 2
    assert events['sidecar_pg_wait_event_sessions{wait_event="other"}'] == 20


def test_delay_of_a_replica_is_left_out_where_it_is_unknown() -> None:
    row = {
        "application_name": "walreceiver",
        "client_addr": "10.0.0.2",
        "slot_name": None,
        "write_seconds": 0.5,
        "flush_seconds": Decimal("0.75"),
        "replay_seconds": None,
    }
    labels = '{application_name="walreceiver",client_addr="10.0.0.2"}'
    assert convert("replication_delay", row) == {
        f"sidecar_pg_replication_write_lag_seconds{labels}": 0.5,
        f"sidecar_pg_replication_flush_lag_seconds{labels}": 0.75,
    }


@pytest.mark.parametrize(
    ("row", "up"),
    [
        ({"is_up": True, "status": "streaming", "age_seconds": 2.5, "is_expected": True}, 1.0),
        ({"is_up": True, "status": None, "age_seconds": None, "is_expected": True}, 1.0),
        ({"is_up": False, "status": None, "age_seconds": None, "is_expected": True}, 0.0),
        ({"is_up": False, "status": None, "age_seconds": None, "is_expected": False}, None),
    ],
)
def test_receiver_of_a_replica(row: dict[str, Any], up: float | None) -> None:
    values = convert("wal_receiver", row)
    assert values.get("sidecar_pg_wal_receiver_up") == up
    assert values.get('sidecar_pg_wal_receiver_state{state="streaming"}') == (1.0 if row["status"] else None)
    assert values.get("sidecar_pg_wal_receiver_last_message_age_seconds") == row["age_seconds"]


def test_primary_has_no_receiver() -> None:
    assert convert("wal_receiver") == {}


def holder(name: str, age: int | None) -> dict[str, Any]:
    return {"holder": name, "age": age}


def test_horizon_is_zero_where_nobody_holds_it() -> None:
    assert convert("xmin_horizon", holder("transaction", 70), holder("slot", None)) == {
        'sidecar_pg_xmin_age_transactions{holder="transaction"}': 70,
        'sidecar_pg_xmin_age_transactions{holder="slot"}': 0,
    }


def test_connections_as_a_share_of_what_ordinary_roles_may_use() -> None:
    assert convert("connections", {"used": 47, "places": 100, "reserved": 6}) == {
        "sidecar_pg_connections_limit": 94,
        "sidecar_pg_connections_reserved": 6,
        "sidecar_pg_connections_used": 47,
        "sidecar_pg_connections_used_ratio": 0.5,
    }


def test_plain_role_gets_nothing_that_it_cannot_know() -> None:
    assert convert("blocking", waiter(2, 1), server=BLIND) == {}
    assert convert("waits", wait("none", "", 1), server=BLIND) == {}
    horizon = convert("xmin_horizon", holder("transaction", 7), holder("standby", 0), holder("slot", 8), server=BLIND)
    assert horizon == {'sidecar_pg_xmin_age_transactions{holder="slot"}': 8}
    connections = convert("connections", {"used": 1, "places": 100, "reserved": 3}, server=BLIND)
    assert connections == {"sidecar_pg_connections_limit": 97, "sidecar_pg_connections_reserved": 3}


@pytest.mark.parametrize(
    ("name", "version", "column"),
    [
        ("blocking", 130023, "a.query_start"),
        ("blocking", 140000, "l.waitstart"),
        ("stat_wal", 170010, "w.wal_write_time"),
        ("stat_wal", 180000, "object = 'wal'"),
        ("stat_io", 160000, "(reads * op_bytes)"),
        ("stat_io", 180000, "read_bytes::float8"),
    ],
)
def test_statement_is_chosen_by_version(name: str, version: int, column: str) -> None:
    assert column in (view(name).sql_for(version) or "")


def test_views_of_newer_servers_are_not_asked_for_on_older_ones() -> None:
    assert view("stat_wal").sql_for(130023) is None
    assert view("stat_io").sql_for(150018) is None


def test_time_that_the_server_does_not_take_is_left_out() -> None:
    row = {"wal_records": 5, "wal_bytes": 500.0, "writes": 2, "syncs": 1, "write_seconds": None, "sync_seconds": None}
    assert convert("stat_wal", row) == {
        "sidecar_pg_wal_records_total": 5,
        "sidecar_pg_wal_bytes_total": 500,
        "sidecar_pg_wal_writes_total": 2,
        "sidecar_pg_wal_syncs_total": 1,
    }


def test_operation_that_a_process_never_does_is_left_out() -> None:
    row = {"backend_type": "checkpointer", "object": "relation", "context": "normal", "reads": None, "writes": 7}
    assert convert("stat_io", row) == {
        'sidecar_pg_io_writes_total{backend_type="checkpointer",context="normal",object="relation"}': 7
    }


def statement(query_id: int, calls: float, seconds: float, **columns: Any) -> dict[str, Any]:
    names = {"user_id": 10, "user": "app", "database_id": 5, "datname": "shop", "server_start": 1_700_000_000}
    numbers = {"rows": 0.0, "block_read_seconds": 0.0, "block_write_seconds": 0.0, "temp_blocks": 0.0}
    return {**names, **numbers, "query_id": query_id, "calls": calls, "seconds": seconds, **columns}


def config(**settings: Any) -> PostgresConfig:
    return PostgresConfig.model_validate({"dsn": "postgresql://db", **settings})


def test_statements_have_the_exporters_names_and_one_series_for_the_others() -> None:
    limited = view("stat_statements").for_target(config(statements={"max": 1}))
    list(limited.convert([statement(-7, 2, 9.0), statement(8, 5, 0.5)], SERVER))
    values = values_of(limited.convert([statement(-7, 3, 9.5, temp_blocks=4.0), statement(8, 9, 0.75)], SERVER))
    shown, others = 'datname="shop",queryid="-7",user="app"', 'datname="shop",queryid="other"'
    assert values[f"pg_stat_statements_calls_total{{{shown}}}"] == 3
    assert values[f"pg_stat_statements_seconds_total{{{shown}}}"] == 9.5
    assert values[f"sidecar_pg_statement_temp_blocks_total{{{shown}}}"] == 4
    assert values[f"pg_stat_statements_calls_total{{{others}}}"] == 4
    assert values[f"pg_stat_statements_seconds_total{{{others}}}"] == 0.25
    assert len(values) == 12


def test_each_target_counts_its_own_others() -> None:
    one, other = (view("stat_statements").for_target(config(statements={"max": 1})) for _ in range(2))
    list(one.convert([statement(1, 1, 9.0), statement(2, 1, 0.0)], SERVER))
    rows = [statement(1, 1, 9.0), statement(2, 5, 0.0)]
    of_one, of_other = (values_of(each.convert(rows, SERVER)) for each in (one, other))
    series = 'pg_stat_statements_calls_total{datname="shop",queryid="other"}'
    assert (of_one[series], of_other[series]) == (4, 0)


def test_no_statement_that_the_role_may_see_is_no_sample() -> None:
    assert convert("stat_statements") == {}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, set()),
        ({"statements": {"query_text": True}}, set()),
        ({"views": {"include": ["stat_statements"]}}, {"statements_available"}),
        (
            {"views": {"preset": "full"}, "statements": {"query_text": True}},
            {"statements_available", "statement_texts"},
        ),
    ],
)
def test_texts_and_availability_go_with_the_statements(settings: dict[str, Any], names: set[str]) -> None:
    adapted = [view(name).for_target(config(**settings)) for name in ("statement_texts", "statements_available")]
    assert {view.name for view in adapted if view.sql_for(180006)} == names


def test_text_of_a_statement_is_masked_and_cut() -> None:
    settings = {
        "views": {"include": ["stat_statements"]},
        "statements": {"query_text": True, "query_text_max_length": 20, "max": 7},
    }
    texts = view("statement_texts").for_target(config(**settings))
    row = {"queryid": "-7", "query": "ALTER ROLE app PASSWORD 'c4nary'"}
    assert values_of(texts.convert([row], SERVER)) == {
        'pg_stat_statements_query_id{query="ALTER ROLE app PASS…",queryid="-7"}': 1
    }
    assert "LIMIT 7" in (texts.sql_for(180006) or "")


def test_missing_extension_is_told() -> None:
    row = {"is_created": True, "is_usable": True, "is_loaded": True, "query_ids": "auto", "track": "top"}
    assert convert("statements_available", row) == {"sidecar_pg_statements_available": 1}
    for change in (
        {"is_loaded": False},
        {"is_created": False},
        {"is_usable": False},
        {"query_ids": "off"},
        {"track": "none"},
    ):
        server = replace(SERVER, notes=Notes())
        assert convert("statements_available", row | change, server=server) == {"sidecar_pg_statements_available": 0}
        assert len(server.notes.advice) == 1
