"""Replication slots: who holds WAL back, and how much."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View, per_column, text_of
from sidecar.collect.postgres.wal_position import WAL_LSN
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

_SELECT = """
SELECT slot_name, slot_type, database, active,
       (position.lsn - restart_lsn)::int8 AS pg_wal_lsn_diff,
       (position.lsn - '0/0')::int8 AS slot_current_wal_lsn,
       (confirmed_flush_lsn - '0/0')::int8 AS slot_confirmed_flush_lsn{more}
  FROM pg_catalog.pg_replication_slots, (SELECT {position} AS lsn) AS position
"""
SQL = _SELECT.format(more="", position=WAL_LSN)
SQL_13 = _SELECT.format(more=",\n       safe_wal_size AS safe_wal_size_bytes, wal_status", position=WAL_LSN)


def _gauge(column: str, text: str, *labels: str) -> Family:
    return Family(f"pg_replication_slots_{column}", MetricType.GAUGE, text, ("slot_name", *labels))


BY_DATABASE = {
    "active": _gauge("active", "1 when somebody reads from the slot.", "database"),
    "pg_wal_lsn_diff": _gauge(
        "pg_wal_lsn_diff",
        "Bytes of WAL between what the slot still needs and what the server has written, or received as a replica.",
        "database",
    ),
}
BY_TYPE = {
    "slot_current_wal_lsn": _gauge(
        "slot_current_wal_lsn",
        "Position in the WAL that the server has written, or received as a replica.",
        "slot_type",
    ),
    "slot_confirmed_flush_lsn": _gauge(
        "slot_confirmed_flush_lsn",
        "Position in the WAL that the reader has confirmed. Of logical slots only: for a physical one, which confirms "
        "nothing, postgres_exporter says 0; and also of slots that nobody reads.",
        "slot_type",
    ),
    "active": _gauge("slot_is_active", "1 when somebody reads from the slot.", "slot_type"),
    "safe_wal_size_bytes": _gauge(
        "safe_wal_size_bytes",
        "Bytes of WAL that can be written before the slot may be lost; absent without max_slot_wal_keep_size.",
        "slot_type",
    ),
}
WAL_STATUS = _gauge(
    "wal_status",
    "1 with the state of the WAL that the slot needs as a label: reserved, extended, unreserved or lost.",
    "slot_type",
    "wal_status",
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return what each slot holds back; from Postgres 13 on also whether it is in danger."""
    yield from per_column(rows, BY_DATABASE, ("slot_name", "database"))
    yield from per_column(rows, BY_TYPE, ("slot_name", "slot_type"))
    samples = [_status(row) for row in rows if row.get("wal_status") is not None]
    if samples:
        yield FamilySamples(WAL_STATUS, samples)


def _status(row: Row) -> Sample:
    return Sample(WAL_STATUS.name, labels_of((name, text_of(row[name])) for name in WAL_STATUS.labels), 1.0)


VIEW = View(
    name="replication_slots",
    sql={100000: SQL, 130000: SQL_13},
    families=(*BY_DATABASE.values(), *BY_TYPE.values(), WAL_STATUS),
    convert=convert,
    preset=Preset.MINIMAL,
)
