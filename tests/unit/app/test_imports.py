"""What may be imported before the probes answer, and what a broken layer looks like."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree

from tests.conftest import ROOT

HEAVY = ("numpy", "grpc", "google.protobuf", "opentelemetry", "asyncpg", "redis", "promql_parser", "re2", "gotpl")


def test_nothing_heavy_is_imported_before_the_listener_is_open() -> None:
    program = "import sys, sidecar.cli.main, sidecar.cli.run; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "sidecar.app.process" in modules
    assert [name for name in modules if name.startswith(HEAVY)] == []


def test_an_import_against_the_layers_fails_the_check(tmp_path: Path) -> None:
    copytree(ROOT / "sidecar", tmp_path / "sidecar")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "sidecar/spans/broken.py").write_text("import sidecar.api.server\nimport time\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sidecar.spans.broken -> sidecar.api.server" in done.stdout
    assert "sidecar.spans.broken -> time" in done.stdout
