"""Only regular files are opened, and nothing waits for whoever may be behind another."""

import os
import socket
from pathlib import Path

import pytest

from sidecar.runtime.regular_file import IrregularFileError, check_regular, open_regular, read_regular


def test_a_regular_file_is_read_also_through_a_link_and_up_to_a_limit(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"twelve bytes")
    link.symlink_to(file)
    assert read_regular(link) == b"twelve bytes"
    assert read_regular(file, 6) == b"twelve"
    with open_regular(str(file)) as opened:
        assert opened.read() == b"twelve bytes"


def test_what_is_missing_or_a_directory_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")
    with pytest.raises(IsADirectoryError) as told:
        read_regular(tmp_path)
    assert (told.value.strerror, told.value.filename) == ("Is a directory", str(tmp_path))


@pytest.mark.parametrize("how", [read_regular, open_regular, check_regular])
def test_a_fifo_a_socket_and_a_device_are_refused_at_once_by_name(how: object, tmp_path: Path) -> None:
    assert callable(how)
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, what in ((tmp_path / "fifo", "FIFO"), (tmp_path / "socket", "socket"), ("/dev/null", "device")):
            with pytest.raises(IrregularFileError, match=f"it is a {what}, not a regular file: '{path}'"):
                how(path)


def test_what_becomes_a_fifo_between_two_looks_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: regular)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(IrregularFileError):
        read_regular(path)
    assert len(os.listdir("/proc/self/fd")) == before
