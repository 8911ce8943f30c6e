"""Reading files that cannot be read."""

from pathlib import Path

import pytest

from sidecar.app.texts import read_text
from sidecar.model.errors import ConfigError


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

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert problem_of(tmp_path / "f") == f"{tmp_path}/f: cannot be read: Permission denied"
