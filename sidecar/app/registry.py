"""Everything that can be added: explicit tuples, so that what runs is what is written here."""

from sidecar.collect.postgres.view import View
from sidecar.collect.postgres.views import (
    database,
    database_size,
    locks,
    replication,
    settings,
    stat_activity,
    stat_archiver,
    stat_bgwriter,
    stat_database,
)
from sidecar.collect.redis.section import AnySection
from sidecar.collect.redis.sections import (
    clients,
    cluster,
    commandstats,
    cpu,
    errorstats,
    keyspace,
    latencystats,
    memory,
    persistence,
    server,
    stats,
)
from sidecar.collect.redis.sections import replication as redis_replication

POSTGRES_VIEWS: tuple[View, ...] = (
    database.VIEW,
    database_size.VIEW,
    locks.VIEW,
    replication.VIEW,
    settings.VIEW,
    stat_activity.VIEW,
    stat_archiver.VIEW,
    stat_bgwriter.VIEW,
    stat_database.VIEW,
)

REDIS_SECTIONS: tuple[AnySection, ...] = (
    clients.SECTION,
    cluster.SECTION,
    commandstats.SECTION,
    cpu.SECTION,
    errorstats.SECTION,
    keyspace.SECTION,
    latencystats.SECTION,
    memory.SECTION,
    persistence.SECTION,
    redis_replication.SECTION,
    server.SECTION,
    stats.SECTION,
)
