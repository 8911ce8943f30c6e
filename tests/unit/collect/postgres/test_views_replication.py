"""Views of slots, replicas and receivers: what they make of rows."""

from typing import Any

from tests.unit.collect.postgres.converting import convert

LOGICAL = {
    "slot_name": "feed",
    "slot_type": "logical",
    "database": "shop",
    "active": True,
    "pg_wal_lsn_diff": 10,
    "slot_current_wal_lsn": 110,
    "slot_confirmed_flush_lsn": 100,
    "safe_wal_size_bytes": 5,
    "wal_status": "reserved",
}
REPLICA = {
    "application_name": "standby",
    "client_addr": "10.0.0.7/32",
    "state": "streaming",
    "slot_name": None,
    "pid": 7,
    "pg_current_wal_lsn_bytes": 110,
    "pg_wal_lsn_diff": 10,
}


def test_slot_is_labelled_by_database_and_by_type() -> None:
    by_database, by_type = '{database="shop",slot_name="feed"}', '{slot_name="feed",slot_type="logical"}'
    assert convert("replication_slots", LOGICAL) == {
        f"pg_replication_slots_active{by_database}": 1,
        f"pg_replication_slots_pg_wal_lsn_diff{by_database}": 10,
        f"pg_replication_slots_slot_current_wal_lsn{by_type}": 110,
        f"pg_replication_slots_slot_confirmed_flush_lsn{by_type}": 100,
        f"pg_replication_slots_slot_is_active{by_type}": 1,
        f"pg_replication_slots_safe_wal_size_bytes{by_type}": 5,
        'pg_replication_slots_wal_status{slot_name="feed",slot_type="logical",wal_status="reserved"}': 1,
    }


def test_slot_that_never_held_anything_has_no_positions() -> None:
    physical = {**LOGICAL, "slot_type": "physical", "database": None, "active": False}
    unknown = dict.fromkeys(["pg_wal_lsn_diff", "slot_confirmed_flush_lsn", "safe_wal_size_bytes", "wal_status"])
    assert convert("replication_slots", {**physical, **unknown}) == {
        'pg_replication_slots_active{slot_name="feed"}': 0,
        'pg_replication_slots_slot_current_wal_lsn{slot_name="feed",slot_type="physical"}': 110,
        'pg_replication_slots_slot_is_active{slot_name="feed",slot_type="physical"}': 0,
    }


def test_slot_of_an_old_server_has_no_wal_status() -> None:
    columns: list[str] = ["safe_wal_size_bytes", "wal_status"]
    old: dict[str, Any] = {name: value for name, value in LOGICAL.items() if name not in columns}
    assert len(convert("replication_slots", old)) == 5
    assert convert("replication_slots") == {}


def test_replica_of_which_only_the_process_is_known_is_left_out() -> None:
    hidden = dict.fromkeys(REPLICA) | {"pid": 8, "pg_current_wal_lsn_bytes": 110}
    labels = '{application_name="standby",client_addr="10.0.0.7/32",pid="7",state="streaming"}'
    assert convert("stat_replication", REPLICA, hidden) == {
        f"pg_stat_replication_pg_current_wal_lsn_bytes{labels}": 110,
        f"pg_stat_replication_pg_wal_lsn_diff{labels}": 10,
    }


def test_receiver_without_repmgr_has_no_node_and_a_hidden_one_is_left_out() -> None:
    row = {
        "upstream_host": "db",
        "slot_name": "standby",
        "status": "streaming",
        "flushed_lsn": 9,
        "upstream_node": None,
    }
    hidden = dict.fromkeys(row) | {"flushed_lsn": 0}
    labels = '{slot_name="standby",status="streaming",upstream_host="db"}'
    assert convert("stat_wal_receiver", row, hidden) == {f"pg_stat_wal_receiver_flushed_lsn{labels}": 9}
    assert convert("stat_wal_receiver", {**row, "upstream_node": 2})[f"pg_stat_wal_receiver_upstream_node{labels}"] == 2
