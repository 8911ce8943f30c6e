"""Everything that can be added: explicit tuples, so that what runs is what is written here."""

from collections.abc import Callable, Mapping
from typing import Any

from sidecar.api.json.context import ResourceContext
from sidecar.api.json.resources.endpoints import endpoints_resource
from sidecar.api.json.resources.errors import errors_resource
from sidecar.api.json.resources.monitoring_alerts import alerts_resource
from sidecar.api.json.resources.monitoring_mutes import mutes_resource
from sidecar.api.json.resources.queries import queries_resource
from sidecar.api.json.resources.query_findings import query_findings_resource
from sidecar.api.json.resources.traces import traces_resource
from sidecar.api.json.routes import AnyResource
from sidecar.collect.postgres.view import View
from sidecar.collect.postgres.views import (
    blocking,
    buffercache_summary,
    connections,
    database,
    database_size,
    database_wraparound,
    locks,
    long_running_transactions,
    postmaster,
    replication,
    replication_delay,
    replication_slots,
    roles,
    settings,
    stat_activity,
    stat_activity_autovacuum,
    stat_archiver,
    stat_bgwriter,
    stat_checkpointer,
    stat_database,
    stat_database_conflicts,
    stat_io,
    stat_progress_vacuum,
    stat_replication,
    stat_statements,
    stat_user_tables,
    stat_user_tables_size,
    stat_wal,
    stat_wal_receiver,
    statement_texts,
    statements_available,
    statio_user_indexes,
    statio_user_tables,
    waits,
    wal,
    wal_receiver,
    xmin_horizon,
)
from sidecar.collect.redis.section import AnySection
from sidecar.collect.redis.sections import (
    clients,
    cluster,
    cluster_info,
    commandlog,
    commandstats,
    config_dump,
    config_values,
    cpu,
    empty_databases,
    errorstats,
    keys,
    keyspace,
    latency,
    latency_histogram,
    latencystats,
    memory,
    persistence,
    queues,
    sentinel,
    server,
    slowlog,
    stats,
    streams,
    tls,
)
from sidecar.collect.redis.sections import replication as redis_replication
from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.sender import AlertmanagerSender
from sidecar.deliver.sender import Sender
from sidecar.deliver.webhook.config import WebhookConfig
from sidecar.deliver.webhook.sender import WebhookSender
from sidecar.jobs import traces
from sidecar.logs.severity import SeverityCounts
from sidecar.logs.stages import MakeLogStage
from sidecar.model.config import Config
from sidecar.probe.check import Check, CheckContext
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.checks.http.check import HttpCheck
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.checks.tcp.check import TcpCheck
from sidecar.probe.checks.tcp.config import TcpCheckConfig
from sidecar.spans.connections import connection_metrics
from sidecar.spans.database import database_metrics
from sidecar.spans.endpoints import endpoint_gauges
from sidecar.spans.errors import error_counts
from sidecar.spans.http_client import http_client_metrics
from sidecar.spans.http_server import http_server_metrics
from sidecar.spans.latency import dependency_latency, endpoint_latency
from sidecar.spans.messaging import messaging_metrics
from sidecar.spans.query_stage import query_stage
from sidecar.spans.red import span_metrics
from sidecar.spans.service_graph.stage import service_graph
from sidecar.spans.stages import MakeStage

POSTGRES_VIEWS: tuple[View, ...] = (
    blocking.VIEW,
    buffercache_summary.VIEW,
    connections.VIEW,
    database.VIEW,
    database_size.VIEW,
    database_wraparound.VIEW,
    locks.VIEW,
    long_running_transactions.VIEW,
    postmaster.VIEW,
    replication.VIEW,
    replication_delay.VIEW,
    replication_slots.VIEW,
    roles.VIEW,
    settings.VIEW,
    stat_activity.VIEW,
    stat_activity_autovacuum.VIEW,
    stat_archiver.VIEW,
    stat_bgwriter.VIEW,
    stat_checkpointer.VIEW,
    stat_database.VIEW,
    stat_database_conflicts.VIEW,
    stat_io.VIEW,
    stat_progress_vacuum.VIEW,
    stat_replication.VIEW,
    stat_statements.VIEW,
    stat_user_tables.VIEW,
    stat_user_tables_size.VIEW,
    stat_wal.VIEW,
    stat_wal_receiver.VIEW,
    statement_texts.VIEW,
    statements_available.VIEW,
    statio_user_indexes.VIEW,
    statio_user_tables.VIEW,
    waits.VIEW,
    wal.VIEW,
    wal_receiver.VIEW,
    xmin_horizon.VIEW,
)

REDIS_SECTIONS: tuple[AnySection, ...] = (
    clients.SECTION,
    cluster.SECTION,
    cluster_info.SECTION,
    commandlog.SECTION,
    commandstats.SECTION,
    config_dump.SECTION,
    config_values.SECTION,
    cpu.SECTION,
    empty_databases.SECTION,
    errorstats.SECTION,
    keys.SECTION,
    keyspace.SECTION,
    latency.SECTION,
    latency_histogram.SECTION,
    latencystats.SECTION,
    memory.SECTION,
    persistence.SECTION,
    queues.SECTION,
    redis_replication.SECTION,
    sentinel.SECTION,
    server.SECTION,
    slowlog.SECTION,
    stats.SECTION,
    streams.SECTION,
    tls.SECTION,
)

SENDERS: Mapping[type[Config], type[Sender[Any]]] = {
    AlertmanagerConfig: AlertmanagerSender,
    WebhookConfig: WebhookSender,
}
"""What sends alerts, by its configuration. Each that stands in a list of SidecarConfig runs, and gets all alerts."""
CHECKS: Mapping[type[CheckConfig], Callable[[Any, CheckContext], Check]] = {
    HttpCheckConfig: HttpCheck,
    TcpCheckConfig: TcpCheck,
}
"""What each kind of check is made by, of its Config and a context."""

RESOURCES: tuple[Callable[[ResourceContext], AnyResource], ...] = (
    endpoints_resource,
    traces_resource,
    alerts_resource,
    mutes_resource,
    errors_resource,
    queries_resource,
    query_findings_resource,
)

SPAN_STAGES: tuple[MakeStage, ...] = (
    span_metrics,
    http_server_metrics,
    http_client_metrics,
    database_metrics,
    connection_metrics,
    messaging_metrics,
    endpoint_latency,
    dependency_latency,
    endpoint_gauges,
    error_counts,
    query_stage,
    service_graph,
)

LOG_STAGES: tuple[MakeLogStage, ...] = (SeverityCounts,)
JOBS = (traces.JOB,)
