"""Our own scripts say what a real Prometheus says, and our engine says the same."""

from pathlib import Path

import pytest

from sidecar.promql.options import Options
from tests.conformance.prometheus.golden import run_on_head, run_on_prometheus
from tests.conformance.promql.runner import SERVER, UPSTREAM, run_script
from tests.conftest import ROOT

SCRIPTS = sorted((ROOT / "tests/golden/promql").glob("*.test"))
each = pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)


@each
@pytest.mark.parametrize("options", [SERVER, UPSTREAM], ids=["names go at once", "names go at the end"])
def test_a_script_passes(path: Path, options: Options) -> None:
    report = run_script(path, options)
    assert report.failures == []
    assert report.skipped.total() == 0
    assert report.passed


@each
def test_a_script_passes_on_a_head_of_several_sources(path: Path) -> None:
    assert run_on_head(path).failures == []


@pytest.mark.integration
@each
def test_a_script_says_what_a_real_prometheus_says(path: Path) -> None:
    report = run_on_prometheus(path)
    assert report.failures == []
    assert report.passed or report.skipped


@pytest.mark.integration
def test_a_wrong_script_fails(tmp_path: Path) -> None:
    path = tmp_path / "wrong.test"
    path.write_text("load 1m\n  x 1x10\n\neval instant at 5m1s x\n  x 2\n\neval instant at 5m1s x + 1\n  {} 2\n")
    for run in (run_on_prometheus, run_on_head):
        report = run(path)
        assert (report.passed, len(report.failures)) == (1, 1)
