"""The files of configurations: what was read, that an emptied one is none, and those that cannot be read."""

import os
from pathlib import Path

import pytest

from sidecar.app.files import load_good_files
from sidecar.app.source import ConfigSource, Texts, read_text
from sidecar.model.errors import ConfigError
from tests.conftest import ROOT

BLANK = ["", "\n\n", "# only this\n", "---\n", "\ufeff", "--- # here\n...\n", " \t\n"]


@pytest.mark.parametrize("blank", BLANK)
def test_a_file_that_is_emptied_is_no_configuration_until_it_is_filled(tmp_path: Path, blank: str) -> None:
    path, texts = tmp_path / "f.yml", Texts()
    path.write_text("job: a")
    texts.read(path)
    texts.end(runs=True)
    path.write_text(blank)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"f\.yml: is empty now, which is no configuration"):
            texts.read(path)
        texts.end(runs=False)
    path.write_text("job: b")
    assert texts.read(path) == "job: b"


@pytest.mark.parametrize("blank", BLANK)
def test_a_file_that_was_empty_from_the_start_may_stay_so(tmp_path: Path, blank: str) -> None:
    path, texts = tmp_path / "f.yml", Texts()
    path.write_text(blank)
    for _ in range(2):
        assert texts.read(path) == blank.removeprefix("\ufeff") or blank == "\ufeff"
        texts.end(runs=True)


def test_an_empty_mapping_or_list_is_meant(tmp_path: Path) -> None:
    path, texts = tmp_path / "f.yml", Texts()
    for text in ("job: a", "{}", "groups: []", "a"):
        path.write_text(text)
        assert texts.read(path) == text
        texts.end(runs=True)


def test_what_a_configuration_that_never_ran_held_may_be_emptied(tmp_path: Path) -> None:
    path, texts = tmp_path / "f.yml", Texts()
    path.write_text("job: a")
    texts.read(path)
    texts.end(runs=False)
    path.write_text("")
    assert texts.read(path) == ""


@pytest.fixture
def source(tmp_path: Path) -> ConfigSource:
    """A configuration with two rule files, found by a pattern."""
    (tmp_path / "sidecar.yaml").write_text("rules: {files: [rules/*.yml, 'rules/a*']}\n")
    (tmp_path / "rules").mkdir()
    for name in "ab":
        (tmp_path / f"rules/{name}.yml").write_text("groups: []\n")
    return ConfigSource(tmp_path / "sidecar.yaml", {})


def read_all(source: ConfigSource) -> None:
    located = source.read()
    for path in source.rule_files(located):
        source.texts.read(path)
    source.texts.end(runs=True)


def test_what_was_read_has_the_signature_of_what_is_there(source: ConfigSource) -> None:
    read_all(source)
    assert source.signature() == source.texts.signature


def test_content_counts_and_not_the_time_it_was_written(source: ConfigSource, tmp_path: Path) -> None:
    read_all(source)
    path = tmp_path / "rules/a.yml"
    times = path.stat()
    path.write_text("groups: ~ \n")  # as long as before
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert source.signature() != source.texts.signature
    path.write_text("groups: []\n")
    assert source.signature() == source.texts.signature


def test_files_that_come_and_go_change_the_signature(source: ConfigSource, tmp_path: Path) -> None:
    read_all(source)
    (tmp_path / "rules/c.yml").write_text("")
    assert source.signature() != source.texts.signature
    (tmp_path / "rules/c.yml").unlink()
    assert source.signature() == source.texts.signature
    (tmp_path / "sidecar.yaml").unlink()
    assert source.signature() != source.texts.signature


def test_a_swapped_link_of_a_config_map_changes_the_signature(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "sidecar.yaml").write_text(f"job: v{version}\n")
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "sidecar.yaml").symlink_to("..data/sidecar.yaml")
    source = ConfigSource(tmp_path / "sidecar.yaml", {})
    read_all(source)
    (tmp_path / "..tmp").symlink_to("2")
    (tmp_path / "..tmp").rename(tmp_path / "..data")
    assert source.signature() != source.texts.signature
    assert source.read().config.job == "v2"


def problem_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_text(path)
    (line,) = str(caught.value).splitlines()
    return line


def test_what_is_not_utf_8_is_told_by_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes("job: a\r\nk: é".encode() + b"\xff\n")
    assert problem_of(path) == f"{path}:2:5: byte 0xff is not UTF-8 text"


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sidecar.app.source.read_regular", refuse)
    assert problem_of(tmp_path / "f") == f"{tmp_path}/f: cannot be read: Permission denied"


def test_the_shipped_rules_come_after_the_own_ones_and_none_twice(tmp_path: Path) -> None:
    own = ROOT / "alerts/redis.rules.yml"
    config = tmp_path / "sidecar.yaml"
    config.write_text(f"rules: {{shipped: true, files: [{own}]}}\n")
    source = ConfigSource(config, {})
    files = load_good_files(source, source.read())
    source.texts.end(runs=True)
    names = [path.name for path in sorted((ROOT / "alerts").glob("*.rules.yml")) if path != own]
    assert [Path(name).name for name in files.good_rule_files] == [own.name, *names]
    assert source.signature() == source.texts.signature, "nothing has changed"
