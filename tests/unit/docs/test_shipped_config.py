"""The shipped configurations load, and the generated files are what the code generates."""

import os

import pytest

from scripts.generate import generated
from sidecar.app.config import SidecarConfig
from sidecar.app.environment import config_of_environment
from sidecar.app.source import ConfigSource
from sidecar.model.config import read_config
from sidecar.model.errors import ConfigError
from tests.conftest import ROOT

ENV = {
    "DATABASE_URL": "postgresql://u@h/d",
    "REDIS_URL": "redis://h",
    "SIDECAR_APP_URL": "http://127.0.0.1:8080/",
}


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
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
    (target,) = config_of_environment(env).postgres
    assert target.dsn is not None
    assert target.dsn.get_secret_value() == dsn


def test_redis_is_found_where_apps_and_the_exporter_put_it() -> None:
    (target,) = config_of_environment({"REDIS_ADDR": "h:6379", "REDIS_USER": "u", "REDIS_PASSWORD": "canary"}).redis
    assert target.url is not None
    assert (target.url.get_secret_value(), target.username) == ("redis://h:6379", "u")
    assert "canary" not in repr(target)


def test_the_exporters_listen_addresses_are_honoured() -> None:
    assert config_of_environment({"PG_EXPORTER_WEB_LISTEN_ADDRESS": ":9187"}).pod.listen == ("", 9187)
    assert config_of_environment({"REDIS_EXPORTER_WEB_LISTEN_ADDRESS": "0.0.0.0:9121"}).pod.listen == ("0.0.0.0", 9121)


def test_a_bad_variable_is_told_without_its_secret_neighbours() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of_environment({"SIDECAR_LISTEN": "nowhere", "DATABASE_URL": "postgresql://u:canary@h"})
    assert "`pod.listen`" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_nothing_in_the_environment_is_a_sidecar_without_targets() -> None:
    assert config_of_environment({}) == SidecarConfig()
