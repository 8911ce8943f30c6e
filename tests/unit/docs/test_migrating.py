"""Coming from the exporters: the deployment after is one that the sidecar understands as the exporter did before."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.ignored import IGNORED
from sidecar.app.environment.read import read_environment
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT

FOLDER = ROOT / "deploy/migrating"
PAGES = ROOT / "docs/migrating"
FENCED_YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def container(name: str) -> dict[str, Any]:
    """Return the exporter's container in a deployment file."""
    deployment = yaml.safe_load((FOLDER / name).read_text())
    containers: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return containers[-1]


def environment(name: str) -> dict[str, str]:
    """Return the container's variables; one from a Secret is `secret`."""
    return {entry["name"]: entry.get("value", "secret") for entry in container(name)["env"]}


@pytest.mark.parametrize(("exporter", "port"), [("postgres", 9187), ("redis", 9121)])
def test_nothing_but_the_container_changes_and_the_port_stays(exporter: str, port: int) -> None:
    before, after = (container(f"{exporter}-exporter-{when}.yaml") for when in ("before", "after"))
    assert before["ports"] == after["ports"] == [{"name": "metrics", "containerPort": port}]
    names = environment(f"{exporter}-exporter-after.yaml")
    assert environment(f"{exporter}-exporter-before.yaml").items() <= names.items()
    assert read_environment(names).config.pod.listen.port == port
    assert "args" not in after
    assert not names.keys() & IGNORED.keys()


def test_postgres_is_scraped_as_before(tmp_path: Path) -> None:
    env = environment("postgres-exporter-after.yaml")
    (target,) = read_environment(env).config.postgres
    assert (target.databases.discover, target.databases.exclude) == (True, ("template0", "template1"))
    assert (target.password_file, target.queries) == ("/etc/secrets/password", ("/etc/queries/queries.yaml",))


def test_redis_is_scraped_as_before() -> None:
    (target,) = read_environment(environment("redis-exporter-after.yaml")).config.redis
    assert [(key.name, key.db, key.value) for key in target.keys.names] == [("orders:open", 0, True)]
    assert [stream.name for stream in target.streams.names] == ["events"]
    assert target.username == "exporter"


@pytest.mark.parametrize("exporter", ["postgres", "redis"])
def test_the_page_shows_what_the_files_say_and_a_configuration_that_loads(exporter: str) -> None:
    before, after, config = FENCED_YAML.findall((PAGES / f"{exporter}-exporter.md").read_text())
    for shown, when in ((before, "before"), (after, "after")):
        text = (FOLDER / f"{exporter}-exporter-{when}.yaml").read_text()
        assert [line for line in shown.splitlines() if line not in text.splitlines()] == []
    configured = read_config(SidecarConfig, "page.md", config, {}).config
    from_environment = read_environment(environment(f"{exporter}-exporter-after.yaml")).config
    assert configured.pod.listen.port == from_environment.pod.listen.port
    assert target_of(configured, exporter).items() >= target_of(from_environment, exporter).items()


def target_of(config: SidecarConfig, kind: str) -> Mapping[str, Any]:
    """Return what a target is asked for, without how it is logged in to and what the page adds."""
    (target,) = getattr(config, kind)
    data: dict[str, Any] = target.model_dump()
    login = {"dsn", "url", "password", "password_file", "views", "sections"}
    return {key: value for key, value in data.items() if key not in login}
