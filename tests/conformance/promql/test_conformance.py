"""What the engine supports stays equal to Prometheus, and the runner notices when it does not."""

from pathlib import Path

import pytest

from sidecar.promql import evaluate
from sidecar.promql.functions.registry import FUNCTIONS
from tests.conformance.promql.__main__ import main
from tests.conformance.promql.oracle import run_oracle
from tests.conformance.promql.runner import SERVER, core_cases, run_script

NAMES_AT_THE_END = {("name_label_dropping.test", line) for line in (64, 69, 89, 115, 123)}
"""Cases that only hold with delayed name removal, as upstream's runner has it and a server has not."""

SCRIPT = """
load 1m
  x{a="1"} 0+60x10
  x{a="2"} 1 _ stale 5

eval instant at 10m rate(x{a="1"}[5m])
  {a="1"} 1

eval instant at 3m x{a="2"}
  x{a="2"} 5

eval range from 0 to 2m step 1m x{a="2"}
  x{a="2"} 1 1 _

eval instant at 1m x + on () x
  expect fail

eval instant at 1m 1 + 2
  3
"""
CASES = 5


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "small.test"
    path.write_text(SCRIPT)
    return path


def test_the_recorded_answers_of_a_real_prometheus_are_ours(shared_data: Path) -> None:
    report = run_oracle(shared_data / "promql" / "oracle_2.42.json")
    assert report.failures == []
    assert report.skipped.total() == 0
    assert report.passed >= 840


def scripts(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "promql" / "promqltest").glob("*.test"))


def test_upstreams_scripts_pass_and_no_case_of_the_core_is_skipped(shared_data: Path) -> None:
    reports = [run_script(path) for path in scripts(shared_data)]
    assert [failure for report in reports for failure in report.failures] == []
    assert sum(report.passed for report in reports) >= 749
    assert len(core_cases(scripts(shared_data)[0])) == 618


def test_upstreams_scripts_pass_with_names_removed_at_once_but_for_those_that_ask_about_it(shared_data: Path) -> None:
    failures = [failure for path in scripts(shared_data) for failure in run_script(path, SERVER).failures]
    assert {(text.split(":")[0], int(text.split(":")[1])) for text in failures} == NAMES_AT_THE_END


def test_a_script_that_the_engine_satisfies_passes(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(script)]) == 0
    assert capsys.readouterr().out.endswith("5 passed, 0 failed\n")


def test_a_broken_function_fails(
    script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "FUNCTIONS", {**FUNCTIONS, "rate": FUNCTIONS["increase"]})
    assert main([str(script)]) == 1
    assert capsys.readouterr().out.endswith("4 passed, 1 failed\n")


def test_an_error_that_was_not_expected_fails(tmp_path: Path) -> None:
    path = tmp_path / "bad.test"
    path.write_text('load 1m\n  x{a="1"} 1\n  x{a="2"} 1\n\neval instant at 0 x + on () x\n  {} 2\n')
    assert main([str(tmp_path)]) == 1
