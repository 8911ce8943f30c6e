"""Patterns of files: they mean what glob's do, and no disk is walked for them."""

import os
from glob import glob
from pathlib import Path

import pytest

from sidecar.app import pattern as subject
from sidecar.app.pattern import TooMuchError, matches

NAMES = ["a.yml", "b.yml", ".hidden.yml", "c.txt", "one/a.yml", "one/two/b.yml", "one/.git/x.yml", "..data/d.yml"]
PATTERNS = [
    *("*.yml", "?.yml", "[ab].yml", ".*.yml", "**/*.yml", "one/**/*.yml", "**/two/*.yml", "*/a.yml", "one/../a.yml"),
    *("a.yml", "none.yml", "none/*.yml", "./*.yml", "*/*/*", "a.yml/*", ""),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "linked.yml").symlink_to("..data/d.yml")
    (tmp_path / "dangling.yml").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_means_what_it_means_to_glob(folder: Path, pattern: str) -> None:
    expected = [folder / name for name in sorted(glob(pattern, root_dir=folder, recursive=True))]
    assert matches(pattern, folder) == expected
    absolute = f"{folder}/{pattern}"
    assert not pattern or matches(absolute, Path("/nowhere")) == expected


def test_links_in_a_circle_are_walked_once(folder: Path) -> None:
    (folder / "one/two/up").symlink_to(folder)
    (folder / "one/self").symlink_to("../one")
    found = matches("**/*.yml", folder)
    assert sorted({path.name for path in found}) == ["a.yml", "b.yml", "dangling.yml", "linked.yml"]
    assert len(found) == 6


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("MOST_FILES", 2, r"`\*\*/\*\.yml` stands for more than 2 files"),
        ("MOST_DIRECTORIES", 1, r"stands for more than 1 directories"),
        ("MOST_ENTRIES", 3, r"stands for more than 3 names"),
        ("MOST_DEPTH", 1, r"stands for more than 0 levels of directories"),
        ("MOST_SECONDS", -1.0, r"takes more than -1 s to look for"),
    ],
)
def test_what_nobody_means_is_an_error_with_the_pattern(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: float, said: str
) -> None:
    monkeypatch.setattr(subject, limit, most)
    with pytest.raises(TooMuchError, match=said):
        matches("**/*.yml", folder)


def test_the_whole_disk_is_refused_soon() -> None:
    with pytest.raises(TooMuchError):
        matches("/**/*.yml", Path())


def test_a_folder_that_cannot_be_read_is_empty(folder: Path) -> None:
    os.chmod(folder / "one", 0)
    try:
        found = matches("**/*.yml", folder)
    finally:
        os.chmod(folder / "one", 0o755)
    assert {path.name for path in found} >= {"a.yml", "b.yml"}
