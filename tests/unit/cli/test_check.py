"""`sidecar check` finds every mistake in one run; what it says is kept as transcripts.

`UPDATE_GOLDEN=1` writes them anew.
"""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from sidecar.cli import main
from tests.conftest import ROOT

GOLDEN = ROOT / "tests/golden/check"
CASES = sorted(path.name for path in GOLDEN.iterdir())


def transcript(*words: str, **env: str) -> str:
    """Return what `sidecar check` says, and its exit code."""
    result = CliRunner().invoke(main, ["check", *words], env={"DSN": None, "SIDECAR_CONFIG": None, **env})
    return f"{result.output}exit code {result.exit_code}\n"


@pytest.mark.parametrize("case", CASES)
def test_a_check_says_what_its_transcript_says(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN / case)
    said = transcript("--config", "sidecar.yaml")
    golden = Path("check.txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said)
    assert said == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_the_last_line_and_the_exit_code_agree(case: str) -> None:
    *_, last, code = (GOLDEN / case / "check.txt").read_text().splitlines()
    assert last.startswith("No mistakes") == (code == "exit code 0")
    assert (" mistake" in last and " in " in last) == (code == "exit code 1")


def test_an_empty_pattern_of_the_readme_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sidecar.yaml").write_text("rules:\n  files: [rules/*.yml]\n")
    assert transcript("--config", "sidecar.yaml") == (
        "sidecar.yaml: configuration is good\n"
        "sidecar.yaml:2:11: warning: no rule file matches `rules/*.yml`\n"
        "No mistakes, 1 warning\n"
        "exit code 0\n"
    )


def test_mistakes_of_the_environment_are_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yml").write_text("group: []\n")
    env = {
        "DATABASE_URL": "mysql://u:c4nary@h/d",
        "REDIS_URL": "ftp://:c4nary@h",
        "PG_EXPORTER_AUTO_DISCOVER_DATABASES": "maybe",
        "SIDECAR_RULE_FILES": "a.yml,b.yml,c*.yml",
        "ALERTMANAGER_URL": "x",
    }
    said = transcript(**env)
    for word in (*env, "a.yml:1:1", "`b.yml` is missing", "no rule file matches `c*.yml`"):
        assert word in said
    assert "c4nary" not in said
    assert "configuration is good" not in said
    assert said.endswith("exit code 1\n")


def test_files_without_a_configuration_are_all_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yml").write_text("groups: []\n---\nx\n")
    Path("bad.yml").write_bytes(b"\xff\n")
    assert transcript("bad.yml", "good.yml", "none.yml") == (
        "good.yml: 0 rules in 0 groups, all good\n"
        "good.yml:2:1: warning: a second document begins here; as in Prometheus, nothing of it is read\n"
        "bad.yml:1:1: byte 0xff is not UTF-8 text\n"
        "none.yml: cannot be read: No such file or directory\n"
        "2 mistakes in 2 files, 1 warning\n"
        "exit code 1\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgres: {dsn: host=a, views: {include: [nope]}}\n", "1:11: `postgres`: should be a list"),
        ("redis: {url: 'redis://a'}\n", "1:8: `redis`: should be a list"),
        ("rules: [a.yml]\n", "1:8: `rules`: should be a mapping of keys to values"),
        ("rules: {files: {a: b}}\n", "1:16: `rules.files`: should be a list"),
        ("forward: [{certificate_file: x}]\n", "1:10: `forward`: should be a mapping of keys to values"),
        ("postgres: [{dsn: host=a, views: [a]}]\n", "1:33: `postgres.0.views`: should be a mapping of keys to values"),
    ],
)
def test_a_list_for_a_mapping_and_a_mapping_for_a_list_are_mistakes_at_their_place(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sidecar.yaml").write_text(text)
    assert transcript("--config", "sidecar.yaml") == f"sidecar.yaml:{said}\n1 mistake in 1 file\nexit code 1\n"


def test_a_url_with_a_password_where_none_is_expected_is_told_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dsn = "postgres://u:c4nary@h/d"
    for name in ("DATA_SOURCE_URI_FILE", "SIDECAR_LISTEN", "PG_EXPORTER_COLLECTION_TIMEOUT"):
        assert "postgres://***@h/d" in transcript(**{name: dsn})
        assert "postgres://***@h/d" in CliRunner().invoke(main, ["run"], env={name: dsn, "SIDECAR_CONFIG": None}).output
    Path("sidecar.yaml").write_text(f"probes:\n  checks:\n  - kind: {dsn}\n")
    assert transcript("--config", "sidecar.yaml").startswith(
        "sidecar.yaml:3:11: `probes.checks.0.kind`: `postgres://***@h"
    )


def test_how_a_password_gets_a_default_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sidecar.yaml").write_text("job: ${DB_PASSWORD}\n")
    assert "; `${DB_PASSWORD:-default}` gives a default\n" in transcript("--config", "sidecar.yaml")


def test_credentials_in_place_of_the_name_of_a_file_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sidecar.yaml").write_text("postgres:\n- dsn_file: ${DSN}\n  password_file: none\n")
    said = transcript("--config", "sidecar.yaml", DSN="postgres://u:c4nary@h/d")
    assert "c4nary" not in said
    assert "sidecar.yaml:2:13: warning: `dsn_file`: `postgres://***@h/d` cannot be read" in said
    assert "sidecar.yaml:3:18: warning: `password_file`: `none` cannot be read" in said


@pytest.mark.parametrize("value", ["*c4nary", "!c4nary", "!c4nary x", "!<c4nary> x", "*c4nary: x"])
def test_a_secret_that_yaml_takes_for_an_alias_or_a_tag_is_not_shown(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sidecar.yaml").write_text(f"redis:\n- url: {value}\n")
    said = transcript("--config", "sidecar.yaml")
    assert said.startswith("sidecar.yaml:2:8: ")
    assert "c4nary" not in said


def test_a_fifo_is_refused_by_its_name_and_nothing_waits_for_a_writer(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    refused = f"{fifo}: cannot be read: it is a FIFO, not a regular file"
    assert refused in transcript("--config", str(fifo))
    assert refused in transcript(str(fifo))
    result = CliRunner().invoke(main, ["run", "--config", str(fifo)])
    assert (result.exit_code, refused in result.output) == (1, True)
    said = transcript(DATA_SOURCE_URI="db/shop", DATA_SOURCE_USER_FILE=str(fifo))
    assert f"`DATA_SOURCE_USER_FILE`: cannot read `{fifo}`: it is a FIFO, not a regular file" in said
