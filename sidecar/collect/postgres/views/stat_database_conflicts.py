"""Queries that replay cancelled on a replica, by reason, from pg_stat_database_conflicts."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

_SELECT = """
SELECT datid::text AS datid, datname,
       confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock{more}
  FROM pg_catalog.pg_stat_database_conflicts
"""
SQL = _SELECT.format(more="")
SQL_16 = _SELECT.format(more=", confl_active_logicalslot")

LABELS = ("server", "datid", "datname")


def _family(column: str, reason: str, kind: MetricType = MetricType.COUNTER) -> Family:
    text = f"Queries cancelled on a replica because of {reason}; 0 on a primary."
    return Family(f"pg_stat_database_conflicts_{column}", kind, text, LABELS)


FAMILIES = {
    "confl_tablespace": _family("confl_tablespace", "dropped tablespaces"),
    "confl_lock": _family("confl_lock", "locks held too long"),
    "confl_snapshot": _family("confl_snapshot", "snapshots that were too old"),
    "confl_bufferpin": _family("confl_bufferpin", "pages held too long"),
    "confl_deadlock": _family("confl_deadlock", "deadlocks with replay"),
    "confl_active_logicalslot": _family(
        "confl_active_logicalslot", "logical slots that could not go on, from Postgres 16 on", MetricType.UNTYPED
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return one sample per database and reason."""
    return per_column([{**row, "server": server.address} for row in rows], FAMILIES, LABELS)


VIEW = View(
    name="stat_database_conflicts",
    sql={90200: SQL, 160000: SQL_16},
    families=tuple(FAMILIES.values()),
    convert=convert,
)
