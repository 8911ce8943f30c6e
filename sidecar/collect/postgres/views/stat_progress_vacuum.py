"""How far each running VACUUM is, from pg_stat_progress_vacuum."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column, text_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

# The name of a table is known in its own database only; elsewhere its number must do. It is written as a cast to
# regclass writes it with the usual search_path, which ours is not.
_SELECT = """
SELECT datname,
       COALESCE((SELECT CASE WHEN n.nspname IN ('public', 'pg_catalog') THEN '' ELSE quote_ident(n.nspname) || '.' END
                        || quote_ident(c.relname)
                   FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid = relid AND datname = current_database()), relid::text) AS relname,
       phase, heap_blks_total, heap_blks_scanned, heap_blks_vacuumed, index_vacuum_count, {dead}
  FROM pg_catalog.pg_stat_progress_vacuum
"""
SQL = _SELECT.format(dead="max_dead_tuples, num_dead_tuples")
# The limit is in bytes now, and how many tuples fit is not known.
SQL_17 = _SELECT.format(dead="num_dead_item_ids AS num_dead_tuples")

PHASES = (
    "initializing",
    "scanning heap",
    "vacuuming indexes",
    "vacuuming heap",
    "cleaning up indexes",
    "truncating heap",
    "performing final cleanup",
)
LABELS = ("datname", "relname")


def _gauge(column: str, text: str) -> Family:
    return Family(f"pg_stat_progress_vacuum_{column}", MetricType.GAUGE, text, LABELS)


PHASE = Family(
    "pg_stat_progress_vacuum_phase",
    MetricType.GAUGE,
    "1 for the phase that the VACUUM is in, 0 for the others. `relname` is the table's number if it is in another "
    "database than the one we are connected to.",
    (*LABELS, "phase"),
)
FAMILIES = {
    "heap_blks_total": _gauge("heap_blks", "Blocks of the table when its VACUUM began."),
    "heap_blks_scanned": _gauge("heap_blks_scanned", "Blocks of the table looked at, or passed over."),
    "heap_blks_vacuumed": _gauge("heap_blks_vacuumed", "Blocks of the table cleaned."),
    "index_vacuum_count": _gauge("index_vacuums", "Rounds through the indexes that are done."),
    "max_dead_tuples": _gauge(
        "max_dead_tuples",
        "Dead rows that can be remembered before a round through the indexes. Up to Postgres 16 only: later ones "
        "have no such number (postgres_exporter shows BYTES there).",
    ),
    "num_dead_tuples": _gauge(
        "num_dead_tuples",
        "Dead rows remembered since the last round through the indexes. From Postgres 17 on these are "
        "num_dead_item_ids (postgres_exporter shows BYTES there).",
    ),
}


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the progress of each VACUUM; one of which only the process may be seen is left out."""
    seen = [row for row in rows if row["relname"] is not None]
    if seen:
        yield FamilySamples(PHASE, [sample for row in seen for sample in _phases(row)])
    yield from per_column(seen, FAMILIES, LABELS)


def _phases(row: Row) -> Iterable[Sample]:
    labels = {name: text_of(row[name]) for name in LABELS}
    for phase in PHASES:
        yield Sample(PHASE.name, labels_of({**labels, "phase": phase}), float(phase == row["phase"]))


VIEW = View(
    name="stat_progress_vacuum",
    sql={100000: SQL, 170000: SQL_17},
    families=(PHASE, *FAMILIES.values()),
    convert=convert,
)
