"""Fixtures of the integration tests."""

from tests.integration.servers import (
    postgres,
    postgres_15,
    postgres_18,
    redis_7,
    redis_server,
    valkey_9,
)
from tests.integration.topologies.fixtures import (
    _postgres_pair,
    _redis_pair,
    authority,
    pgbouncer,
    pgbouncer_session,
    pgbouncer_transaction,
    postgres_pair,
    redis_binary,
    redis_cluster,
    redis_pair,
    sentinels,
    tls_postgres,
    tls_postgres_with_client_certificates,
    tls_redis,
)

__all__ = [
    "_postgres_pair",
    "_redis_pair",
    "authority",
    "pgbouncer",
    "pgbouncer_session",
    "pgbouncer_transaction",
    "postgres",
    "postgres_15",
    "postgres_18",
    "postgres_pair",
    "redis_7",
    "redis_binary",
    "redis_cluster",
    "redis_pair",
    "redis_server",
    "sentinels",
    "tls_postgres",
    "tls_postgres_with_client_certificates",
    "tls_redis",
    "valkey_9",
]
