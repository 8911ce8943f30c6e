"""Everything that can be added: explicit tuples, so that what runs is what is written here."""

from sidecar.collect.postgres.view import View
from sidecar.collect.postgres.views import (
    database,
    locks,
    replication,
    settings,
    stat_activity,
    stat_bgwriter,
    stat_database,
)

POSTGRES_VIEWS: tuple[View, ...] = (
    database.VIEW,
    locks.VIEW,
    replication.VIEW,
    settings.VIEW,
    stat_activity.VIEW,
    stat_bgwriter.VIEW,
    stat_database.VIEW,
)
