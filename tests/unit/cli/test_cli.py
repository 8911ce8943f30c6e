"""The command line: what it says and how it exits."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar import __version__
from sidecar.cli import main


def sidecar(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, words, env=env)


def test_help_lists_every_command_and_the_variables_of_zero_configuration() -> None:
    text = sidecar("--help").output
    for word in ("run", "check", "demo", "healthcheck", "version", "DATABASE_URL", "SIDECAR_RULE_FILES"):
        assert word in text


@pytest.mark.parametrize("name", ["run", "check", "demo", "healthcheck", "version"])
def test_every_command_explains_itself(name: str) -> None:
    result = sidecar(name, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


def test_version_is_the_packages() -> None:
    assert sidecar("version").output == f"sidecar {__version__}\n"


def test_check_reports_every_file_that_is_good(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups: [{name: g, rules: [{record: a:b, expr: up}]}]\n")
    (tmp_path / "sidecar.yaml").write_text("rules: {files: ['*.yml']}\n")
    result = sidecar("check", "--config", str(tmp_path / "sidecar.yaml"))
    assert result.output == (
        f"{tmp_path}/sidecar.yaml: configuration is good\n{tmp_path}/a.yml: 1 rules in 1 groups are good\n"
    )


def test_check_exits_1_with_the_place_of_a_mistake_in_a_rule(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups:\n- name: g\n  rules:\n  - record: a\n    expr: sum(\n")
    result = sidecar("check", str(tmp_path / "a.yml"))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{tmp_path}/a.yml:5:")


def test_a_duration_that_is_none_is_refused_with_an_example() -> None:
    result = sidecar("demo", "--for", "soon")
    assert result.exit_code == 2
    assert '"soon"' in result.output
    assert "`60s`" in result.output


def test_healthcheck_of_nobody_exits_1() -> None:
    result = sidecar("healthcheck", "--url", "http://127.0.0.1:1/livez")
    assert result.exit_code == 1
    assert "http://127.0.0.1:1/livez" in result.stderr
