"""Unit tests of rules: what our run finds is what promtool finds, to the last label."""

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, reject, settings

from sidecar.cli import main
from sidecar.model.errors import ConfigError
from tests.conformance.prometheus.unit_test_files import RULES, as_found, rules_and_tests
from tests.servers import tool

EXAMPLES = int(os.environ.get("UNIT_TEST_FILES", "25"))
"""More take half a second each."""


@pytest.mark.integration
@pytest.mark.timeout(3600)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(rules_and_tests)
def test_promtool_passes_what_our_run_found_and_fails_where_ours_fails(content: tuple[Any, Any]) -> None:
    try:
        rules, tests, can_pass = as_found(*content)
    except ConfigError:
        reject()
    with TemporaryDirectory() as folder:
        (Path(folder) / RULES).write_text(rules)
        path = Path(folder) / "test.yml"
        path.write_text(tests)
        assert verdicts(path) == (can_pass, can_pass), f"{rules}\n{tests}"
        changed = yaml.safe_load(tests)
        if can_pass and break_one_expectation(changed):
            path.write_text(yaml.safe_dump(changed))
            assert verdicts(path) == (False, False), f"{rules}\n{tests}"


def verdicts(path: Path) -> tuple[bool, bool]:
    """Return whether the tests in `path` pass with promtool, and with us."""
    theirs = subprocess.run([str(tool("promtool")), "test", "rules", path], capture_output=True, check=False)
    ours = CliRunner().invoke(main, ["test-rules", str(path)])
    assert ours.exit_code in {0, 1}, ours.output
    return theirs.returncode == 0, ours.exit_code == 0


def break_one_expectation(file: Any) -> bool:
    """Change the first thing that a test expects; return whether there is one."""
    for test in file["tests"]:
        for check in test["alert_rule_test"]:
            if check.get("exp_alerts"):
                check["exp_alerts"][0]["exp_labels"]["other"] = "label"
                return True
        for check in test["promql_expr_test"]:
            if check.get("exp_samples"):
                check["exp_samples"][0]["value"] += 1
                return True
    return False
