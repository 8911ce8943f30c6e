"""The commands on the page about unit tests and lint do what it says, with the files it shows."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar.cli import main
from sidecar.rules.lint.lint import NAMES
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/rule-tests.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run beside the files of the page."""
    monkeypatch.chdir(tmp_path)
    for text in FENCED_YAML.findall(PAGE):
        name = re.match(r"# (\S+)\n", text)
        Path(name[1] if name else "commented.yml").write_text(text)
    Path("sidecar.yaml").write_text("rules: {files: [shop.yml]}\n")


def run(line: str) -> Result:
    program, *words = shlex.split(line)
    assert program == "sidecar"
    return CliRunner().invoke(main, words)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) == 6


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_succeeds(line: str) -> None:
    done = run(line)
    assert done.exit_code == 0, done.output
    assert re.search(r"^(1 passed, 0 failed|No mistakes)$", done.output, re.MULTILINE), done.output


def test_results_are_in_the_file() -> None:
    run("sidecar test-rules --junit results.xml shop.test.yml")
    assert 'name="queue stands still"' in Path("results.xml").read_text()


def test_the_comments_say_what_is_meant() -> None:
    assert run("sidecar check --lint-fatal commented.yml").exit_code == 0
    path = Path("commented.yml")
    path.write_text(path.read_text().replace("# sidecar", "#"))
    done = run("sidecar check --lint-fatal commented.yml")
    assert done.exit_code == 3
    assert "[no-comparison]" in done.output
    assert "[for-under-two-intervals]" in done.output
    assert run("sidecar check --lint duplicate-rules --lint-fatal commented.yml").exit_code == 0


def test_the_table_has_every_lint() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(NAMES)


def test_a_line_break_after_values_ends_the_series_as_the_page_says() -> None:
    series = "[{series: a, values: %s}, {series: b, values: 1}]"
    check = "promql_expr_test: [{expr: b, eval_time: 0, exp_samples: [{labels: b, value: 1}]}]"
    for values, code in (("'1'", 0), ('"1\\n"', 1)):
        Path("ends.yml").write_text(f"tests: [{{input_series: {series % values}, {check}}}]\n")
        assert run("sidecar test-rules ends.yml").exit_code == code


def test_the_configuration_says_which_series_there_are() -> None:
    Path("shop.yml").write_text("groups: [{name: g, rules: [{record: r, expr: pg_up}]}]\n")
    done = run("sidecar check --config sidecar.yaml")
    assert "shop.yml:1:46: warning: no series `pg_up`: no Postgres is configured [unknown-metric]\n" in done.output
    assert done.output.endswith("No mistakes, 1 warning\n")
    assert run("sidecar check --config sidecar.yaml --lint-fatal").exit_code == 3
