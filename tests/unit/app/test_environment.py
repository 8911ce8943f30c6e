"""Whoever comes from an exporter keeps its environment: what it asks for is done, or said to be ignored."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.ignored import IGNORED, ignored_variables
from sidecar.app.environment.postgres import SUPPORTED as POSTGRES
from sidecar.app.environment.read import read_environment
from sidecar.app.environment.redis import SUPPORTED as REDIS
from sidecar.app.files import check_selections
from sidecar.cli import main
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.redis.config import RedisConfig
from sidecar.model.errors import ConfigError

DSN = {"DATA_SOURCE_NAME": "postgresql://u:c4nary@h/d"}


def postgres(**env: str) -> PostgresConfig:
    (target,) = read_environment(DSN | env).config.postgres
    return target


def redis(**env: str) -> RedisConfig:
    (target,) = read_environment({"REDIS_ADDR": "h:6379"} | env).config.redis
    return target


def problem_of(**env: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_environment(env)
    (line,) = str(caught.value).splitlines()
    return line


def ignored(**env: str) -> dict[str, str]:
    return {event.variable: event.reason for event in ignored_variables(env)}


def test_discovery_of_databases_is_as_the_exporter_was_told() -> None:
    target = postgres(
        PG_EXPORTER_AUTO_DISCOVER_DATABASES="True",
        PG_EXPORTER_INCLUDE_DATABASES="shop,wiki",
        PG_EXPORTER_EXCLUDE_DATABASES="old, rdsadmin ,",
    )
    assert target.databases.discover
    assert target.databases.include == ("shop", "wiki")
    assert target.databases.exclude == ("old", "rdsadmin")


def test_queries_and_the_deadline_of_the_exporter_are_taken() -> None:
    target = postgres(PG_EXPORTER_EXTEND_QUERY_PATH="/etc/queries.yaml", PG_EXPORTER_COLLECTION_TIMEOUT="1m")
    assert (target.queries, target.timeout_seconds) == (("/etc/queries.yaml",), 60)


@pytest.mark.parametrize("variable", ["PG_EXPORTER_COLLECTION_TIMEOUT", "REDIS_EXPORTER_CONNECTION_TIMEOUT"])
def test_a_deadline_over_the_longest_is_the_longest_and_told(variable: str) -> None:
    env = {"REDIS_ADDR": "h", **DSN, variable: "10m"}
    config = read_environment(env).config
    assert 300 in {config.postgres[0].timeout_seconds, config.redis[0].timeout_seconds}
    assert ignored(**env) == {variable: "in part: a scrape takes 300 s at most"}
    assert ignored(**{variable: "5m"}) == {}


def test_metrics_that_the_exporter_should_not_give_are_not_given() -> None:
    assert postgres(PG_EXPORTER_DISABLE_SETTINGS_METRICS="true").views.exclude == ("settings",)
    assert postgres(PG_EXPORTER_DISABLE_DEFAULT_METRICS="false").views.exclude == ()
    both = DSN | {"PG_EXPORTER_DISABLE_DEFAULT_METRICS": "1", "PG_EXPORTER_DISABLE_SETTINGS_METRICS": "1"}
    located = read_environment(both)
    assert located.config.postgres[0].views.exclude == (
        "stat_activity",
        "stat_archiver",
        "stat_database_conflicts",
        "stat_replication",
        "settings",
    )
    check_selections(located)
    place = ("postgres", 0, "views", "exclude")
    assert located.problem_at((*place, 0), "x").message == "`PG_EXPORTER_DISABLE_DEFAULT_METRICS`: x"
    assert located.problem_at((*place, 4), "x").message == "`PG_EXPORTER_DISABLE_SETTINGS_METRICS`: x"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "postgresql://u:p@db1.shop.svc:5432/d,postgres://u:p@10.0.0.7:6432/d",
            ["db1-shop-svc", "postgres-10-0-0-7-6432"],
        ),
        ("host=a user=u, host=a port=6432,host=A dbname=x", ["a", "a-6432", "a-2"]),
        ("port=5432,port=6432", ["localhost", "localhost-6432"]),
        ("host=/var/run/postgresql,host=b", ["var-run-postgresql", "b"]),
    ],
)
def test_several_sources_are_several_targets_named_after_their_hosts(text: str, names: list[str]) -> None:
    assert [target.name for target in read_environment({"DATA_SOURCE_NAME": text}).config.postgres] == names


@pytest.mark.parametrize("text", ["postgresql://u:p,w@h/d", "postgresql://a:5432,b:5432/d", "host=a,b user=u"])
def test_a_comma_inside_of_a_source_is_its_own(text: str) -> None:
    (target,) = read_environment({"DATA_SOURCE_NAME": text}).config.postgres
    assert target.dsn is not None
    assert (target.name, target.dsn.get_secret_value()) == ("postgres", text)


def test_settings_of_the_exporter_are_those_of_all_its_sources() -> None:
    env = {"DATA_SOURCE_NAME": "host=a,host=b", "PG_EXPORTER_EXTEND_QUERY_PATH": "q.yaml"}
    assert [target.queries for target in read_environment(env).config.postgres] == [("q.yaml",), ("q.yaml",)]


def test_tls_of_redis_is_as_the_exporter_was_told() -> None:
    target = redis(
        REDIS_ADDR="rediss://h:6379",
        REDIS_EXPORTER_TLS_CA_CERT_FILE="/ca.pem",
        REDIS_EXPORTER_TLS_CLIENT_CERT_FILE="/client.pem",
        REDIS_EXPORTER_TLS_CLIENT_KEY_FILE="/client.key",
        REDIS_EXPORTER_SKIP_TLS_VERIFICATION="true",
    )
    tls = target.tls
    assert (tls.ca_file, tls.certificate_file, tls.key_file) == ("/ca.pem", "/client.pem", "/client.key")
    assert tls.insecure_skip_verify


def test_keys_and_streams_are_as_the_exporter_was_told() -> None:
    target = redis(
        REDIS_EXPORTER_CHECK_KEYS="db3=user:*,session%2A",
        REDIS_EXPORTER_CHECK_SINGLE_KEYS="a=b,db1=c=d",
        REDIS_EXPORTER_COUNT_KEYS="db0=production_*",
        REDIS_EXPORTER_CHECK_STREAMS="s*",
        REDIS_EXPORTER_CHECK_SINGLE_STREAMS="db2=orders",
        REDIS_EXPORTER_STREAMS_EXCLUDE_CONSUMER_METRICS="true",
    )
    assert [(found.db, found.pattern) for found in target.keys.patterns] == [(3, "user:*"), (0, "session*")]
    assert [(found.db, found.name, found.value) for found in target.keys.names] == [(0, "a=b", True), (1, "c=d", True)]
    assert [(found.db, found.pattern) for found in target.keys.counts] == [(0, "production_*")]
    assert [(found.db, found.pattern) for found in target.streams.patterns] == [(0, "s*")]
    assert [(found.db, found.name) for found in target.streams.names] == [(2, "orders")]
    assert not target.streams.consumers
    hidden = redis(REDIS_EXPORTER_CHECK_SINGLE_KEYS="a", REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES="true")
    assert not hidden.keys.names[0].value


def test_what_the_exporter_asks_the_server_for_is_asked() -> None:
    target = redis(
        REDIS_EXPORTER_INCL_CONFIG_METRICS="true",
        REDIS_EXPORTER_EXCLUDE_SLOWLOG_METRICS="true",
        REDIS_EXPORTER_PING_ON_CONNECT="true",
        REDIS_EXPORTER_CONNECTION_TIMEOUT="15s",
        REDIS_EXPORTER_INCL_SYSTEM_METRICS="true",
    )
    assert (target.sections.include, target.sections.exclude) == (("config_dump",), ("slowlog",))
    assert (target.ping, target.timeout_seconds) == (True, 15)
    without_config = redis(REDIS_EXPORTER_CONFIG_COMMAND="-")
    assert without_config.sections.exclude == ("config_values", "config_dump", "empty_databases")
    without_latency = redis(REDIS_EXPORTER_EXCLUDE_LATENCY_HISTOGRAM_METRICS="true")
    assert without_latency.sections.exclude == ("latency", "latency_histogram")
    for value, excluded in (("true", ()), ("false", ("empty_databases",))):
        assert redis(REDIS_EXPORTER_INCL_METRICS_FOR_EMPTY_DATABASES=value).sections.exclude == excluded
    located = read_environment({"REDIS_ADDR": "h", "REDIS_EXPORTER_CONFIG_COMMAND": "-"})
    check_selections(located)


@pytest.mark.parametrize(("theirs", "ours"), [("txt", "console"), ("json", "json")])
def test_the_log_is_as_the_exporter_was_told(theirs: str, ours: str) -> None:
    log = read_environment({"REDIS_EXPORTER_LOG_FORMAT": theirs, "REDIS_EXPORTER_DEBUG": "true"}).config.log
    assert (log.format, log.level) == (ours, "debug")
    both = {"REDIS_EXPORTER_LOG_FORMAT": theirs, "SIDECAR_LOG_FORMAT": "json"}
    assert read_environment(both).config.log.format == "json"


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"REDIS_EXPORTER_INCL_SYSTEM_METRICS": "true"}, "redis://localhost:6379"),
        ({"REDIS_EXPORTER_INCL_SYSTEM_METRICS": "true", "REDIS_ADDR": ""}, None),
        ({"REDIS_EXPORTER_SERVICE_HOST": "10.0.0.1", "REDIS_EXPORTER_PORT_9121_TCP_PORT": "9121"}, None),
    ],
)
def test_the_exporters_own_address_is_taken_where_it_would_take_it(env: dict[str, str], url: str | None) -> None:
    targets = read_environment(env).config.redis
    assert [target.url.get_secret_value() for target in targets if target.url] == ([url] if url else [])


def test_a_password_file_is_read_for_each_connection(tmp_path: Path) -> None:
    file = str(tmp_path / "later")
    target = redis(REDIS_PASSWORD_FILE=file)
    assert (target.password, target.password_file) == (None, file)
    given = redis(REDIS_PASSWORD_FILE=file, REDIS_PASSWORD="c4nary")
    assert given.password is not None
    assert (given.password.get_secret_value(), given.password_file) == ("c4nary", None)


def test_the_listener_that_is_not_opened_is_told() -> None:
    both = {"PG_EXPORTER_WEB_LISTEN_ADDRESS": ":9187", "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": ":9121"}
    assert ignored(**both) == {
        "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": "all metrics are at `:9187`, which `PG_EXPORTER_WEB_LISTEN_ADDRESS` says"
    }
    assert set(ignored(SIDECAR_LISTEN=":9464", **both)) == set(both)
    assert ignored(SIDECAR_LISTEN=":9187", PG_EXPORTER_WEB_LISTEN_ADDRESS=":9187") == {}


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"PG_EXPORTER_AUTO_DISCOVER_DATABASES": "yes"}, "`yes` is neither true nor false"),
        ({"PG_EXPORTER_COLLECTION_TIMEOUT": "60"}, "`60` is not a duration such as `30s` or `1m30s`"),
        ({"PG_EXPORTER_COLLECTION_TIMEOUT": "0s"}, "input should be greater than 0"),
        ({"REDIS_EXPORTER_PING_ON_CONNECT": "maybe"}, "`maybe` is neither true nor false"),
        ({"REDIS_EXPORTER_TLS_CLIENT_KEY_FILE": "/k"}, "`key_file` needs a `certificate_file`"),
        ({"REDIS_EXPORTER_CHECK_SINGLE_KEYS": "k" * 201}, "string should have at most 200 characters"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_by_its_variable(env: dict[str, str], message: str) -> None:
    (name,) = env
    line = problem_of(**DSN, **env)
    assert line in {f"environment: `{name}`: {message}", f"environment: {message}"}


def test_a_setting_without_a_counterpart_is_told_with_the_reason_and_never_its_value() -> None:
    env = {
        "PG_EXPORTER_CONSTANT_LABELS": "team=c4nary",
        "PG_EXPORTER_WEB_TELEMETRY_PATH": "/c4nary",
        "PG_EXPORTER_NOBODY_KNOWS": "c4nary",
        "REDIS_EXPORTER_BASIC_AUTH_PASSWORD": "c4nary",
        "REDIS_EXPORTER_CHECK_KEYS": "c4nary*",
        "REDIS_EXPORTER_CONFIG_COMMAND": "C4NARY",
        "REDIS_EXPORTER_IS_CLUSTER": "true",
    }
    told = ignored(**env)
    assert set(told) == set(env)
    assert told["PG_EXPORTER_WEB_TELEMETRY_PATH"] == "metrics are at /metrics"
    assert told["PG_EXPORTER_NOBODY_KNOWS"] == "it is not known here"
    assert "c4nary" not in str(told).lower()


def test_a_setting_that_asks_for_what_is_done_anyway_is_not_told() -> None:
    assert (
        ignored(
            PG_EXPORTER_WEB_TELEMETRY_PATH="/metrics",
            PG_EXPORTER_METRIC_PREFIX="pg",
            REDIS_EXPORTER_IS_CLUSTER="False",
            REDIS_EXPORTER_REDACT_CONFIG_METRICS="true",
            REDIS_EXPORTER_SCRIPT="",
            REDIS_EXPORTER_SERVICE_HOST="10.0.0.1",
            REDIS_EXPORTER_SERVICE_PORT_HTTP="9121",
            REDIS_EXPORTER_PORT="tcp://10.0.0.1:9121",
            REDIS_EXPORTER_PORT_9121_TCP_ADDR="10.0.0.1",
            REDIS_EXPORTER_CHECK_KEYS="a*",
            REDIS_EXPORTER_DISABLE_EXPORTING_KEY_VALUES="true",
            DATABASE_URL="postgresql://h",
        )
        == {}
    )


def test_no_variable_is_both_heeded_and_ignored() -> None:
    assert not (POSTGRES | REDIS) & set(IGNORED)
    assert all(re.fullmatch(r"(?:PG|REDIS)_EXPORTER_\w+", name) for name in POSTGRES | REDIS | set(IGNORED))


def test_check_tells_what_is_ignored_and_that_the_rest_is_good() -> None:
    env: dict[str, Any] = DSN | {"PG_EXPORTER_CONSTANT_LABELS": "a=b"}
    result = CliRunner().invoke(main, ["check"], env=env)
    assert (result.exit_code, result.stdout) == (0, "environment: configuration is good\nNo mistakes, 1 warning\n")
    assert result.stderr == (
        "environment: warning: `PG_EXPORTER_CONSTANT_LABELS` is ignored: labels of all series are added where the "
        "sidecar is scraped\n"
    )


def test_secrets_of_the_environment_do_not_show() -> None:
    config: SidecarConfig = read_environment(DSN | {"REDIS_ADDR": "h", "REDIS_PASSWORD": "c4nary"}).config
    assert "c4nary" not in repr(config)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("h:6379", "redis://h:6379"),
        ("valkey://h:6379", "valkey://h:6379"),
        ("valkeys://u:p@h/3", "valkeys://u:p@h/3"),
        ("/run/redis.sock", "unix:///run/redis.sock"),
        ("//:p@h:6379/4", "redis://:p@h:6379/4"),
        ("[::1]:6379", "redis://[::1]:6379"),
    ],
)
@pytest.mark.parametrize("variable", ["REDIS_ADDR", "REDIS_URL"])
def test_an_address_of_redis_has_any_of_the_forms_that_clients_take(variable: str, address: str, url: str) -> None:
    (target,) = read_environment({variable: address}).config.redis
    assert target.url is not None
    assert target.url.get_secret_value() == url


@pytest.mark.parametrize("variable", ["REDIS_ADDR", "REDIS_URL"])
@pytest.mark.parametrize(
    "address", ["h:port", "h1:6379,h2:6379", "http://h", "redis://h/x", ":c4nary@h:x", "h:6379,password=c4nary", "h:0"]
)
def test_an_address_of_redis_that_is_none_is_refused_with_its_variable(variable: str, address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({variable: address})
    assert f"`{variable}`: " in str(caught.value)
    assert "c4nary" not in str(caught.value)
