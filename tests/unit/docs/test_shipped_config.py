"""The shipped configurations load, and the generated files are what the code generates."""

import os
from pathlib import Path

import pytest

from scripts.generate import generated
from sidecar.app.config import SidecarConfig
from sidecar.app.environment.read import read_environment
from sidecar.app.source import ConfigSource
from sidecar.model.errors import ConfigError
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT

ENV = {
    "DATABASE_URL": "postgresql://u@h/d",
    "REDIS_URL": "redis://h",
    "REDIS_REPLICA_URL": "redis://h",
    "SIDECAR_APP_URL": "http://127.0.0.1:8080/",
}


QUERIES = ROOT / "config/examples/queries.yaml"
"""The one file there that is no configuration of the sidecar."""


@pytest.mark.parametrize("path", sorted({*(ROOT / "config").rglob("*.yaml")} - {QUERIES}), ids=lambda path: path.name)
def test_a_shipped_configuration_loads(path: os.PathLike[str]) -> None:
    with open(path, encoding="utf-8") as file:
        read_config(SidecarConfig, str(path), file.read(), ENV)


def test_the_demo_configuration_finds_the_shipped_rules() -> None:
    source = ConfigSource(ROOT / "config/examples/demo.yaml", ENV)
    names = {path.name for path in source.rule_files(source.read())}
    assert names == {path.name for path in (ROOT / "alerts").glob("*.rules.yml")}


def test_the_generated_files_are_current() -> None:
    assert [path.name for path, text in generated().items() if path.read_text() != text] == []


def test_the_sample_configuration_says_the_defaults() -> None:
    text = (ROOT / "config/sidecar.yaml").read_text()
    loaded = read_config(SidecarConfig, "sidecar.yaml", text, {}).config
    assert loaded == SidecarConfig()


@pytest.mark.parametrize(
    ("env", "dsn"),
    [
        ({"DATABASE_URL": "postgresql://a"}, "postgresql://a"),
        ({"DATA_SOURCE_NAME": "postgresql://b", "DATABASE_URL": "postgresql://a"}, "postgresql://b"),
        (
            {"DATA_SOURCE_URI": "h:5432/d?sslmode=disable", "DATA_SOURCE_USER": "u", "DATA_SOURCE_PASS": "p@/"},
            "postgresql://u:p%40%2F@h:5432/d?sslmode=disable",
        ),
    ],
)
def test_postgres_is_found_where_apps_and_the_exporter_put_it(env: dict[str, str], dsn: str) -> None:
    (target,) = read_environment(env).config.postgres
    assert target.dsn is not None
    assert target.dsn.get_secret_value() == dsn


def test_redis_is_found_where_apps_and_the_exporter_put_it() -> None:
    (target,) = read_environment({"REDIS_ADDR": "h:6379", "REDIS_USER": "u", "REDIS_PASSWORD": "canary"}).config.redis
    assert target.url is not None
    assert (target.url.get_secret_value(), target.username) == ("redis://h:6379", "u")
    assert "canary" not in repr(target)


def test_the_exporters_listen_addresses_are_honoured() -> None:
    assert read_environment({"PG_EXPORTER_WEB_LISTEN_ADDRESS": ":9187"}).config.pod.listen == ("", 9187)
    assert read_environment({"REDIS_EXPORTER_WEB_LISTEN_ADDRESS": "0.0.0.0:9121"}).config.pod.listen == (
        "0.0.0.0",
        9121,
    )


def test_a_bad_variable_is_told_without_its_secret_neighbours() -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({"SIDECAR_LISTEN": "nowhere", "DATABASE_URL": "postgresql://u:canary@h"})
    assert str(caught.value) == (
        "environment: `SIDECAR_LISTEN`: `nowhere` is not an address to listen on; use `host:port` or `:port`"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PG_EXPORTER_WEB_LISTEN_ADDRESS", "nowhere"),
        ("SIDECAR_API_LISTEN", "nowhere"),
        ("SIDECAR_OTLP_LISTEN", "nowhere"),
        ("SIDECAR_LOG_FORMAT", "xml"),
        ("SIDECAR_APP_URL", "ftp://u:canary@h/"),
        ("ALERTMANAGER_URL", "http://am:9093,ftp://u:canary@h"),
        ("DATABASE_URL", "mysql://u:canary@h/d"),
        ("REDIS_URL", "http://:canary@h"),
    ],
)
def test_a_problem_names_the_variable_and_not_the_secret(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_environment({name: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"environment: `{name}`: ")
    assert "canary" not in line
    assert "Value error" not in line


def test_a_rule_file_that_is_missing_is_a_problem_of_its_variable() -> None:
    source = ConfigSource(None, {"SIDECAR_RULE_FILES": "nope.yml"})
    with pytest.raises(ConfigError, match=r"^environment: `SIDECAR_RULE_FILES`: rule file `nope.yml` is missing$"):
        source.rule_files(source.read())


def test_a_file_of_the_environment_that_is_not_text_is_told_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "uri").write_bytes(b"h/\xff")
    with pytest.raises(ConfigError) as caught:
        read_environment({"DATA_SOURCE_URI_FILE": str(tmp_path / "uri")})
    assert str(caught.value) == f"environment: `DATA_SOURCE_URI_FILE`: `{tmp_path}/uri` is not UTF-8 text"


def test_the_listeners_of_page_and_otlp_are_set_by_the_environment() -> None:
    config = read_environment({"SIDECAR_API_LISTEN": "[::1]:1", "SIDECAR_OTLP_LISTEN": "127.0.0.1:2"}).config
    assert (config.api.listen, config.otlp.http.listen) == (("::1", 1), ("127.0.0.1", 2))


@pytest.mark.parametrize(
    ("env", "http", "grpc"),
    [
        ({}, True, True),
        ({"SIDECAR_OTLP_LISTEN": "off"}, False, False),
        ({"SIDECAR_OTLP_GRPC_LISTEN": "off"}, True, False),
        ({"SIDECAR_OTLP_LISTEN": "off", "SIDECAR_OTLP_GRPC_LISTEN": "127.0.0.1:1"}, False, True),
    ],
)
def test_off_turns_otlp_receivers_off(env: dict[str, str], http: bool, grpc: bool) -> None:
    otlp = read_environment(env).config.otlp
    assert (otlp.http.listen is not None, otlp.grpc.listen is not None) == (http, grpc)


def test_nothing_in_the_environment_is_a_sidecar_without_targets() -> None:
    assert read_environment({}).config == SidecarConfig()
