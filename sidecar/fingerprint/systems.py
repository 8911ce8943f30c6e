"""Names of databases: those of dialects, drivers and older conventions, and what each stands for."""

from sidecar.fingerprint.literals import Quoting

CACHES = frozenset({"redis", "valkey", "keydb", "dragonfly", "memcached", "garnet", "kvrocks"})
"""Systems whose calls are commands and take well under a millisecond."""

_ALSO = {
    "postgresql": "postgres pg pgsql pgnative pgx psycopg psycopg2 psycopg3 asyncpg npgsql postgis aurora-postgres "
    "aurora-postgresql neon supabase",
    "cockroachdb": "cockroach crdb",
    "mysql": "mysql2 mysqli mysqlclient pymysql aiomysql trilogy aurora-mysql percona planetscale vitess",
    "sqlite": "sqlite3 aiosqlite better-sqlite3 better_sqlite3 libsql sqljs expo cordova capacitor react-native "
    "nativescript turso d1",
    "microsoft.sql_server": "mssql sqlserver sqlsrv sql_server sql-server microsoft tds tedious azure.sql azuresql",
    "oracle.db": "oracle oracledb oracle_enhanced cx_oracle oci oci8",
    "ibm.db2": "db2",
    "h2database": "h2",
    "firebirdsql": "firebird",
    "sap.hana": "hanadb hana sap",
    "aws.redshift": "redshift",
    "aws.dynamodb": "dynamodb",
    "gcp.bigquery": "bigquery",
    "gcp.spanner": "spanner",
    "azure.cosmosdb": "cosmosdb",
    "mongodb": "mongo mongoose",
    "elasticsearch": "elastic es",
    "clickhouse": "clickhousedb",
    "cassandra": "cql scylla scylladb",
    "neo4j": "cypher memgraph",
    "redis": "ioredis node-redis redis-cluster redict",
    "memcached": "memcache memcachedb",
}
_NAMES = {other: name for name, others in _ALSO.items() for other in others.split()}

_SYSTEMS = {
    Quoting.STANDARD: "postgresql cockroachdb aws.redshift timescaledb yugabytedb edb oracle.db ibm.db2 "
    "h2database hsqldb derby teradata trino presto firebirdsql vertica cassandra sap.hana duckdb other_sql",
    Quoting.SQLITE: "sqlite",
    Quoting.BRACKETS: "microsoft.sql_server",
    Quoting.BACKSLASH: "clickhouse snowflake",
    Quoting.MYSQL: "mysql mariadb tidb hive spark databricks",
    Quoting.BIGQUERY: "gcp.bigquery",
    Quoting.CYPHER: "neo4j",
}
_QUOTING = {system: quoting for quoting, systems in _SYSTEMS.items() for system in systems.split()}
"""Values of `db.system.name`, and of `db.system` before it."""


def name_of(system: str) -> str:
    """Return the name that the OpenTelemetry conventions have for what a client calls `system`, else that itself.

    Case does not matter, nor a driver after a plus sign, as SQLAlchemy has it in `postgresql+asyncpg`.
    """
    lower = system.strip().lower()
    name, _, _ = lower.partition("+")
    return _NAMES.get(name, name if name in _QUOTING or name in CACHES else lower)


def quoting_of(system: str) -> Quoting:
    """Return how the database that a span calls `system` quotes."""
    return _QUOTING.get(name_of(system), Quoting.UNSURE)
