"""What a replica receives, from pg_stat_wal_receiver."""

from collections.abc import Iterable, Sequence

from sidecar.collect.config import Preset
from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

_SELECT = """
SELECT trim(both '''' from substring(conninfo from 'host=([^ ]*)')) AS upstream_host,
       slot_name, status,
       (receive_start_lsn - '0/0')::int8 AS receive_start_lsn, receive_start_tli::int8 AS receive_start_tli,
       (latest_end_lsn - '0/0')::int8 AS latest_end_lsn, received_tli::int8 AS received_tli,
       EXTRACT(EPOCH FROM last_msg_send_time)::float8 AS last_msg_send_time,
       EXTRACT(EPOCH FROM last_msg_receipt_time)::float8 AS last_msg_receipt_time,
       EXTRACT(EPOCH FROM latest_end_time)::float8 AS latest_end_time,
       substring(slot_name from 'repmgr_slot_([0-9]+)')::int8 AS upstream_node{more}
  FROM pg_catalog.pg_stat_wal_receiver
"""
SQL = _SELECT.format(more="")
SQL_13 = _SELECT.format(more=",\n       (flushed_lsn - '0/0')::int8 AS flushed_lsn")

LABELS = ("upstream_host", "slot_name", "status")


def _family(column: str, kind: MetricType, text: str) -> Family:
    return Family(f"pg_stat_wal_receiver_{column}", kind, text, LABELS)


FAMILIES = {
    "receive_start_lsn": _family("receive_start_lsn", MetricType.COUNTER, "Position in the WAL where receiving began."),
    "receive_start_tli": _family("receive_start_tli", MetricType.GAUGE, "Timeline when receiving began."),
    "flushed_lsn": _family(
        "flushed_lsn", MetricType.COUNTER, "Position in the WAL received and on disk, from Postgres 13 on."
    ),
    "received_tli": _family("received_tli", MetricType.GAUGE, "Timeline of what was received last."),
    "last_msg_send_time": _family(
        "last_msg_send_time", MetricType.COUNTER, "When the last message was sent, Unix time by the sender's clock."
    ),
    "last_msg_receipt_time": _family(
        "last_msg_receipt_time", MetricType.COUNTER, "When the last message arrived, Unix time by the receiver's clock."
    ),
    "latest_end_lsn": _family("latest_end_lsn", MetricType.COUNTER, "Position in the WAL last reported to the sender."),
    "latest_end_time": _family(
        "latest_end_time", MetricType.COUNTER, "When a position was last reported to the sender, Unix time."
    ),
    "upstream_node": _family(
        "upstream_node", MetricType.GAUGE, "Number of repmgr's node that is received from; absent without repmgr."
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the state of the receiver; without pg_monitor nothing but its process is known, and it is left out."""
    return per_column([row for row in rows if row["status"] is not None], FAMILIES, LABELS)


VIEW = View(
    name="stat_wal_receiver",
    sql={100000: SQL, 130000: SQL_13},
    families=tuple(FAMILIES.values()),
    convert=convert,
    preset=Preset.FULL,
)
