"""What a span says about a database: one label per system and operation, connections, and what drivers do."""

from typing import Any

import pytest

from sidecar.spans.insights import Insights
from tests.unit.spans.pipelines import OPERATIONS, judged, pipeline, shown

WAIT, CREATE = "sidecar_db_client_connection_wait_seconds_count", "sidecar_db_client_connection_create_seconds_count"
CALLS = "sidecar_endpoint_db_calls_per_request"
OF_REQUEST = {"trace_id": b"t" * 16, "span_id": b"requests"}
WITHIN = {"trace_id": b"t" * 16, "span_id": b"database", "parent_span_id": b"requests"}


@pytest.fixture
def insights() -> Insights:
    return Insights()


def test_dialects_of_postgres_are_one_system(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    for given in ("postgresql", "postgres", "pg", "Postgres", "pgsql", "postgresql+asyncpg", "pgx"):
        subject.accept(batch_of(span_of("SELECT", "CLIENT", attributes={"db.system.name": given})))
    assert values_of(shown(subject, 1000.0), OPERATIONS, "system") == {("postgresql",): 7}


@pytest.mark.parametrize(
    ("given", "system"),
    [
        ("sqlite3", "sqlite"),
        ("better-sqlite3", "sqlite"),
        ("cockroach", "cockroachdb"),
        ("oracledb", "oracle.db"),
        ("oracle", "oracle.db"),
        ("mssql", "microsoft.sql_server"),
        ("tedious", "microsoft.sql_server"),
        ("mysql2", "mysql"),
        ("mysql+pymysql", "mysql"),
        ("mariadb", "mariadb"),
        ("ioredis", "redis"),
        ("mongoose", "mongodb"),
        ("Something Else", "something else"),
    ],
)
def test_every_dialect_is_its_system(given: str, system: str, span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of("x", "CLIENT", attributes={"db.system": given})))
    assert values_of(shown(subject, 1000.0), OPERATIONS, "system") == {(system,): 1}


@pytest.mark.parametrize(
    ("system", "attributes", "name", "operation"),
    [
        ("postgresql", {}, "pg.query:SELECT shop", "SELECT"),
        ("postgresql", {"db.operation": "SELECT flaskdb"}, "x", "SELECT"),
        ("postgresql", {"db.operation": "select x"}, "x", "SELECT"),
        ("postgresql", {"db.statement": "/* c */ insert into t values (1)"}, "shop", "INSERT"),
        ("postgresql", {"db.query.text": "WITH x AS (SELECT 1) SELECT 2"}, "shop", "WITH"),
        ("postgresql", {"db.query.text": "SELECT " + "a, " * 1000 + " b FROM t"}, "shop", "SELECT"),
        ("sqlite", {"db.query.text": "PRAGMA user_version"}, "PRAGMA", "PRAGMA"),
        ("postgresql", {}, "shop.items", "(none)"),
        ("mssql", {"db.statement": "SET NOCOUNT ON;\nINSERT INTO [t] VALUES (@p0)"}, "shop", "INSERT"),
        ("mssql", {"db.statement": "SET a ON; set NOCOUNT ON; update t set a = 1"}, "shop", "UPDATE"),
        ("mysql", {}, "sql.conn.begin_tx", "BEGIN"),
        ("mysql", {}, "Doctrine\\DBAL\\Connection::beginTransaction", "BEGIN"),
        ("redis", {}, "JSON.GET", "JSON.GET"),
        ("redis", {}, "ft.search idx", "FT.SEARCH"),
        ("redis", {"db.operation.name": "get"}, "x", "GET"),
        ("redis", {"db.operation.name": "GET"}, "x", "GET"),
        ("redis", {"db.operation.name": "PIPELINE get"}, "x", "GET"),
        ("redis", {"db.operation.name": "MULTI"}, "x", "MULTI"),
        ("redis", {"db.operation.name": "PIPELINE"}, "x", "PIPELINE"),
        ("redis", {"db.statement": "SET ? ?\nSET ? ?", "db.redis.pipeline_length": 2}, "SET SET", "PIPELINE"),
        ("redis", {"db.statement": "swordfish"}, "redis", "redis"),
        ("redis", {"db.statement": "hset k f v"}, "redis", "HSET"),
        ("elasticsearch", {"db.operation.name": "indices.open"}, "x", "indices.open"),
        ("mongodb", {"db.operation.name": "findAndModify"}, "x", "findAndModify"),
    ],
)
def test_an_operation_is_one_word_and_one_label(
    system: str, attributes: dict[str, Any], name: str, operation: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(name, "CLIENT", attributes={"db.system.name": system, **attributes})))
    assert values_of(shown(subject, 1000.0), OPERATIONS, "operation") == {(operation,): 1}


@pytest.mark.parametrize(
    ("name", "attributes", "waits"),
    [
        ("pg-pool.connect", {"db.postgresql.idle.timeout.millis": 10_000}, True),
        ("pg.connect", {}, False),
        ("connect", {}, False),
        ("redis-connect", {}, False),
        ("pool.acquire", {}, True),
        ("HikariDataSource.getConnection", {}, True),
        ("x", {"db.operation.name": "connect"}, False),
        ("x", {"db.operation.name": "ACQUIRE"}, True),
        ("x", {"db.operation": "Open"}, False),
        ("prisma:engine:connection", {}, False),
        ("PDO::__construct", {}, False),
    ],
)
def test_getting_a_connection_is_no_call_and_has_metrics_of_its_own(
    name: str,
    attributes: dict[str, Any],
    waits: bool,
    span_of: Any,
    batch_of: Any,
    values_of: Any,
    insights: Insights,
) -> None:
    subject = pipeline(insights)
    of_database = {"db.system.name": "postgres", **attributes}
    request = span_of("GET /", attributes={"http.request.method": "GET", "http.route": "/"}, **OF_REQUEST)
    subject.accept(batch_of(span_of(name, "CLIENT", seconds=3, attributes=of_database, **WITHIN), request))
    families = shown(subject, 1010.0)
    assert values_of(families, WAIT, "service", "system") == ({("shop", "postgresql"): 1} if waits else {})
    assert values_of(families, CREATE, "service", "system") == ({} if waits else {("shop", "postgresql"): 1})
    assert values_of(families, OPERATIONS, "operation") == {}
    assert values_of(families, CALLS) == {(): 0}
    assert [*judged(insights).queries.statistics.all()] == []


@pytest.mark.parametrize(
    ("system", "text"),
    [
        ("postgresql", "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"),
        ("postgresql", "DISCARD ALL"),
        ("postgresql", "SELECT 1"),
        ("postgresql", "/* ping */ SELECT 1;"),
        ("postgresql", "-- ping"),
        ("postgresql", "select pg_catalog.version()"),
        ("postgresql", "show standard_conforming_strings"),
        ("postgresql", "SET client_encoding TO 'UTF8'"),
        ("postgresql", "SELECT version();\n\nSELECT ns.nspname, t.oid FROM pg_type t JOIN pg_namespace ns ON true"),
        ("postgresql", "SELECT t.oid, typarray FROM pg_type t WHERE typname = 'hstore'"),
        ("mysql", "SELECT @@transaction_isolation"),
        ("mysql", "SET NAMES utf8mb4"),
        ("oracle", "SELECT 1 FROM DUAL"),
        ("mssql", "exec sp_reset_connection"),
        ("mssql", "IF @@TRANCOUNT > 0 ROLLBACK TRAN"),
        ("sqlite", "PRAGMA foreign_keys=ON"),
        ("redis", "CLIENT SETINFO LIB-NAME redis-py"),
        ("redis", "HELLO 3"),
        ("redis", "PING"),
    ],
)
def test_what_a_driver_sends_of_itself_is_shown_as_that_and_counts_in_no_request(
    system: str, text: str, span_of: Any, batch_of: Any, values_of: Any, insights: Insights
) -> None:
    subject = pipeline(insights)
    of_database = {"db.system.name": system, "db.query.text": text}
    request = span_of("GET /", attributes={"http.request.method": "GET", "http.route": "/"}, **OF_REQUEST)
    subject.accept(batch_of(span_of("q", "CLIENT", attributes=of_database, **WITHIN), request))
    assert values_of(shown(subject, 1010.0), CALLS) == {(): 0}
    assert [found.query.by_driver for found in judged(insights).queries.statistics.all()] == [True]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "SELECT 1 FROM users",
            "SELECT version FROM migrations",
            "SET LOCAL app.user = 'x'",
            "SELECT 1; DELETE FROM t",
        ),
        *("SET STATEMENT max_statement_time=1 FOR SELECT a FROM t", "SET @a = (SELECT count(*) FROM t)"),
    ],
)
def test_what_an_app_asks_is_not_taken_for_the_drivers(
    text: str, span_of: Any, batch_of: Any, insights: Insights
) -> None:
    attributes = {"db.system.name": "postgresql", "db.query.text": text}
    pipeline(insights).accept(batch_of(span_of("q", "CLIENT", attributes=attributes)))
    assert [found.query.by_driver for found in judged(insights).queries.statistics.all()] == [False]


@pytest.mark.parametrize("text", ["set a [1 other arguments]", "SET session:7 ? EX ?", "SET NAMES utf8"])
def test_to_set_a_key_of_a_cache_is_no_setting_of_a_connection(
    text: str, span_of: Any, batch_of: Any, values_of: Any, insights: Insights
) -> None:
    subject = pipeline(insights)
    request = span_of("GET /", attributes={"http.request.method": "GET", "http.route": "/"}, **OF_REQUEST)
    of_cache = {"db.system.name": "redis", "db.query.text": text}
    subject.accept(batch_of(span_of("set", "CLIENT", attributes=of_cache, **WITHIN), request))
    families = shown(subject, 1010.0)
    assert values_of(families, CALLS) == {(): 1}
    assert values_of(families, OPERATIONS, "operation") == {("SET",): 1}
    assert [found.query.by_driver for found in judged(insights).queries.statistics.all()] == [False]


@pytest.mark.parametrize("name", ["sql.conn.ping", "sql.rows", "sql.conn.prepare"])
def test_what_a_driver_does_with_connections_and_results_is_no_call_of_the_app(
    name: str, span_of: Any, batch_of: Any, insights: Insights
) -> None:
    pipeline(insights).accept(batch_of(span_of(name, "CLIENT", attributes={"db.system": "mysql"})))
    assert [found.query.by_driver for found in judged(insights).queries.statistics.all()] == [True]
