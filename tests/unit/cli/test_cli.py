"""The command line: what it says and how it exits."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar import __version__
from sidecar.api.config import PodConfig
from sidecar.cli import healthcheck, main
from sidecar.demo.ports import free_port


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
        f"{tmp_path}/sidecar.yaml: configuration is good\n{tmp_path}/a.yml: 1 rule in 1 group, all good\nNo mistakes\n"
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


@pytest.mark.parametrize(
    "name", ["SIDECAR_LISTEN", "SIDECAR_API_LISTEN", "SIDECAR_OTLP_LISTEN", "SIDECAR_OTLP_GRPC_LISTEN"]
)
def test_help_lists_the_variables_of_the_listeners(name: str) -> None:
    assert name in sidecar("--help").output


def test_check_reports_every_problem_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups: [{name: g, rules: [{record: a, expr: sum(}]}]\n")
    (tmp_path / "b.yml").write_text("group: []\n")
    (tmp_path / "c.yml").write_bytes(b"\xff")
    (tmp_path / "d.yml").write_text("groups: []\n")
    config = tmp_path / "sidecar.yaml"
    config.write_text("rules: {files: ['*.yml']}\npostgres: [{dsn: 'postgres://h', views: {include: [lock, nope]}}]\n")
    result = sidecar("check", "--config", str(config))
    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path}/d.yml: 0 rules in 0 groups, all good\n"
    lines = result.stderr.replace(f"{tmp_path}/", "").splitlines()
    assert (
        lines[0] == "sidecar.yaml:2:52: `postgres.0.views.include.0`: no view is called `lock`; did you mean `locks`?"
    )
    assert lines[1].startswith(
        "sidecar.yaml:2:58: `postgres.0.views.include.1`: no view is called `nope`; known here: "
    )
    assert [line.partition(": ")[0] for line in lines[2:-1]] == ["a.yml:1:46", "b.yml:1:1", "c.yml:1:1"]
    assert lines[-1] == "5 mistakes in 4 files"


def test_check_refuses_a_section_that_nobody_has(tmp_path: Path) -> None:
    config = tmp_path / "sidecar.yaml"
    config.write_text("redis:\n  - url: redis://h\n    sections: {exclude: [memroy]}\n")
    assert sidecar("check", "--config", str(config)).stderr == (
        f"{config}:3:26: `redis.0.sections.exclude.0`: no section is called `memroy`; did you mean `memory`?\n"
        "1 mistake in 1 file\n"
    )


def test_check_of_a_file_with_control_characters_says_where(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("groups:\n- name: \x00\n")
    assert sidecar("check", str(tmp_path / "a.yml")).stderr == (
        f"{tmp_path}/a.yml:2:9: not valid YAML: control character U+0000\n1 mistake in 1 file\n"
    )


@pytest.mark.parametrize(("text", "place"), [("- " * 900 + "a", "1:129"), ("groups: " + "[" * 9000, "1:72")])
def test_check_of_a_file_that_nests_very_deep_says_where(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    assert sidecar("check", str(tmp_path / "a.yml")).stderr == (
        f"{tmp_path}/a.yml:{place}: nested more than 64 levels deep\n1 mistake in 1 file\n"
    )


def test_healthcheck_of_nobody_exits_1() -> None:
    result = sidecar("healthcheck", "--url", "http://127.0.0.1:1/livez")
    assert result.exit_code == 1
    assert "http://127.0.0.1:1/livez" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--url", "http://h:abc/"),
        ("--url", "http://[/"),
        ("--url", "http://h:99999/"),
        ("--url", "https://h/"),
        ("--url", "h"),
        ("--url", "http://u:c4nary@h/"),
        ("--timeout", "-1"),
        ("--timeout", "0"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
    ],
)
def test_healthcheck_refuses_what_it_cannot_ask(words: tuple[str, str]) -> None:
    result = sidecar("healthcheck", *words)
    assert result.exit_code == 2
    assert f"Invalid value for '{words[0]}'" in result.stderr
    assert "c4nary" not in result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a b", "http://127.0.0.1:1/é", "http://a..b/"])
def test_healthcheck_of_a_strange_url_exits_1_in_one_line(url: str) -> None:
    result = sidecar("healthcheck", "--url", url)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    ("listen", "asked"),
    [
        ("127.0.0.1:1", "127.0.0.1:1"),
        (":1", "127.0.0.1:1"),
        ("1", "127.0.0.1:1"),
        ("[::]:1", "127.0.0.1:1"),
        ("0.0.0.0:1", "127.0.0.1:1"),
        ("[::1]:1", "[::1]:1"),
    ],
)
def test_healthcheck_asks_where_run_listens(tmp_path: Path, listen: str, asked: str) -> None:
    for result in (
        sidecar("healthcheck", SIDECAR_LISTEN=listen),
        sidecar("healthcheck", PG_EXPORTER_WEB_LISTEN_ADDRESS=listen),
        sidecar("healthcheck", "--config", configured(tmp_path, f"pod: {{listen: '{listen}'}}\n")),
        sidecar("healthcheck", SIDECAR_CONFIG=configured(tmp_path, "pod: {listen: '${AT}'}\n"), AT=listen),
    ):
        assert result.stderr.startswith(f"http://{asked}/livez/self: ")


def configured(tmp_path: Path, text: str) -> str:
    path = tmp_path / "sidecar.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("text", ["", "pod: [", "pod: 3\n", "- a\n", "pod: {listen: [a]}\n", "job: ${NOT_SET}\n"])
def test_healthcheck_asks_the_default_port_when_the_configuration_says_none(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PodConfig().listen.port == healthcheck.DEFAULT_PORT
    nobodys = free_port()  # a sidecar may run here
    monkeypatch.setattr(healthcheck, "DEFAULT_PORT", nobodys)
    result = sidecar("healthcheck", "--config", configured(tmp_path, text))
    assert f"http://127.0.0.1:{nobodys}/livez/self: " in result.output


def test_healthcheck_imports_no_model() -> None:
    program = "import sys, sidecar.cli.main, sidecar.cli.healthcheck, sidecar.model.yaml.document; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in modules if name.startswith(("pydantic", "aiohttp"))] == []


def test_the_list_of_commands_is_whole_and_imports_none_of_them() -> None:
    program = "import sys; from sidecar.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "Show it all: servers, an app, traffic and the sidecar." in output
    assert "sidecar.cli.demo" not in output


def test_check_reports_every_problem_of_the_queries_of_every_target(tmp_path: Path) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "a.yaml").write_text("shop: {qery: SELECT 1}\n")
    (tmp_path / "queries" / "b.yaml").write_text("wiki: {query: SELECT 1, timeout_seconds: 60}\n")
    targets = "".join(
        f"  - {{name: {name}, dsn: 'postgres://h', queries: ['queries/*.yaml', {name}.yaml]}}\n" for name in ("a", "b")
    )
    of_the_queries = [
        "queries/a.yaml:1:7: `shop.query`: field required",
        "queries/a.yaml:1:8: `shop`: unknown key `qery`; did you mean `query`?",
        "queries/b.yaml:1:42: `60`: must be less than the 10 s that a whole scrape of the target may take",
    ]
    path = configured(tmp_path, f"postgres:\n{targets}")
    result = sidecar("check", "--config", path)
    assert result.exit_code == 1
    assert result.stderr.replace(f"{tmp_path}/", "").splitlines() == [
        "sidecar.yaml:2:64: queries file `a.yaml` is missing",
        *of_the_queries,
        "sidecar.yaml:3:64: queries file `b.yaml` is missing",
        "5 mistakes in 3 files",
    ]
    configured(tmp_path, "postgres:\n  - {dsn: 'postgres://h', queries: ['queries/*.yaml', 'none/*.yaml']}\n")
    assert sidecar("check", "--config", path).stderr.replace(f"{tmp_path}/", "").splitlines() == [
        "sidecar.yaml:2:55: warning: no queries file matches `none/*.yaml`",
        *of_the_queries,
        "3 mistakes in 2 files, 1 warning",
    ]
