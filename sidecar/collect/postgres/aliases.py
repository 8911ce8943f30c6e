"""Names that families had in older postgres_exporters, for dashboards and rules that still ask for them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from sidecar.collect.postgres.view import Row, Server, View
from sidecar.model.family import Family, FamilySamples, Sample

_SLOT = (
    "slot_current_wal_lsn",
    "slot_confirmed_flush_lsn",
    "slot_is_active",
    "safe_wal_size_bytes",
    "wal_status",
)
_BGWRITER = (
    "checkpoints_timed",
    "checkpoints_req",
    "checkpoint_write_time",
    "checkpoint_sync_time",
    "buffers_checkpoint",
    "buffers_clean",
    "maxwritten_clean",
    "buffers_backend",
    "buffers_backend_fsync",
    "buffers_alloc",
    "stats_reset",
)
_STATIO = tuple(f"{part}_{{}}_{what}" for part in ("heap", "idx", "toast", "tidx") for what in ("read", "hit"))

OLD_NAMES = {
    **{f"pg_replication_slots_{name}": f"pg_replication_slot_{name}" for name in _SLOT},
    **{f"pg_stat_bgwriter_{name}_total": f"pg_stat_bgwriter_{name}" for name in _BGWRITER},
    **{
        f"pg_statio_user_tables_{name.format('blocks')}": f"pg_statio_user_tables_{name.format('blks')}"
        for name in _STATIO
    },
}
"""The old name of each family that has one; those whose columns nobody asks for any more are in `stat_database`."""


def aliased(view: View) -> View:
    """Return `view` with the old names of its families beside the new ones."""
    old = [alias_of(family) for family in view.families if family.name in OLD_NAMES]
    if not old:
        return view

    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return with_aliases(view.convert(rows, server))

    return replace(view, families=(*view.families, *old), convert=convert)


def with_aliases(families: Iterable[FamilySamples]) -> Iterable[FamilySamples]:
    """Yield each of `families`, and after one that had another name the same samples under that."""
    for family, samples in families:
        yield FamilySamples(family, samples)
        if family.name in OLD_NAMES:
            old = alias_of(family)
            yield FamilySamples(old, [Sample(old.name, labels, value) for _, labels, value in samples])


@cache
def alias_of(family: Family) -> Family:
    """Return `family` under its old name."""
    return replace(family, name=OLD_NAMES[family.name], help=f"The same as {family.name}, under its old name.")
