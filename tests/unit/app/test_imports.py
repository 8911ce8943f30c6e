"""What may be imported before the probes answer, and what a broken layer looks like."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from tests.conftest import ROOT

HEAVY = ("numpy", "grpc", "google.protobuf", "opentelemetry", "asyncpg", "redis", "promql_parser", "re2", "gotime")


AT_THE_HEAVY_IMPORT = """
import os, sys
import sidecar.app.run as run

def tell(name):
    print(*sys.modules, flush=True)
    os._exit(0)

run.import_module = tell
from sidecar.cli import main
main(["run"])
"""
"""Runs the sidecar up to the moment when the listener is open and the rest is about to be imported."""


def test_nothing_heavy_is_imported_before_the_listener_is_open() -> None:
    env = {"SIDECAR_LISTEN": "127.0.0.1:0", "DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h"}
    command = [sys.executable, "-c", AT_THE_HEAVY_IMPORT]
    modules = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.split()
    assert {"sidecar.cli.run", "sidecar.api.probes.pod", "aiohttp.web"} <= set(modules)
    assert [name for name in modules if name.startswith(HEAVY)] == []


def test_what_sends_our_own_telemetry_is_not_imported_unless_it_is_configured() -> None:
    program = "import sys, sidecar.app.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "sidecar.deliver.telemetry.component" in modules
    heavy = ("sidecar.deliver.telemetry.sdk", "opentelemetry.sdk", "opentelemetry.exporter", "requests")
    assert [name for name in modules if name.startswith(heavy) and not name.endswith(".sdk_log")] == []


def test_grpc_is_imported_by_those_alone_who_receive_by_it() -> None:
    command = [sys.executable, "-c", "import sys, sidecar.app.process; print(*sys.modules)"]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "sidecar.receive.otlp.grpc" in modules
    assert "grpc" not in modules


@pytest.mark.parametrize(
    ("target", "drivers"),
    [
        ("{}", set()),
        ("postgres: [{name: a, dsn: 'postgresql://h/d'}]", {"asyncpg"}),
        ("redis: [{name: a, url: 'redis://h'}]", {"redis"}),
    ],
    ids=["none", "postgres", "redis"],
)
def test_a_driver_is_imported_by_those_alone_who_have_such_a_target(target: str, drivers: set[str]) -> None:
    program = f"""
import sys, sidecar.app.process
from sidecar.app.build import import_drivers
from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
assert not {{"asyncpg", "redis"}} & {{*sys.modules}}
import_drivers(read_config(SidecarConfig, "sidecar.yaml", {target!r}, {{}}).config)
print(*sys.modules)
"""
    command = [sys.executable, "-c", program]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncpg", "redis"} & {*modules} == drivers


def test_an_import_against_the_layers_fails_the_check(tmp_path: Path) -> None:
    copytree(ROOT / "sidecar", tmp_path / "sidecar")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "sidecar/spans/broken.py").write_text("import sidecar.api.listener\nimport time\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sidecar.spans.broken -> sidecar.api.listener" in done.stdout
    assert "sidecar.spans.broken -> time" in done.stdout
