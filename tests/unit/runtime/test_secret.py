"""Secrets in files that are fine, missing, no text, or do not answer."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from sidecar.model.errors import TargetError
from sidecar.runtime.regular_file import read_regular
from sidecar.runtime.secret import MAX_BYTES, SecretFiles
from sidecar.runtime.threads.purposes import FILES
from tests.fakes import until


async def test_a_secret_is_read_anew_each_time_without_white_space_around_it(tmp_path: Path) -> None:
    files, path = SecretFiles(), tmp_path / "token"
    for text in ("one", " two\n", "\u00a0three\u2003"):
        path.write_text(text, "utf-8")
        assert await files.read(str(path)) == text.strip()


async def test_what_cannot_be_read_is_told_by_its_path_each_time(tmp_path: Path) -> None:
    files = SecretFiles()
    (tmp_path / "latin").write_bytes(b"pa\xdfwort")
    for _ in range(2):
        with pytest.raises(TargetError, match=r"cannot read `.*none`: No such file"):
            await files.read(str(tmp_path / "none"))
        with pytest.raises(TargetError, match="latin` is not UTF-8 text"):
            await files.read(str(tmp_path / "latin"))


async def test_a_device_without_end_and_a_fifo_without_a_writer_are_refused_and_a_long_file(tmp_path: Path) -> None:
    silent, long = tmp_path / "silent", tmp_path / "long"
    os.mkfifo(silent)
    long.write_bytes(b"x" * (MAX_BYTES + 1))
    for path, reason in (("/dev/zero", "a device"), (str(silent), "a FIFO")):
        with pytest.raises(TargetError, match=f"cannot read `{path}`: it is {reason}, not a regular file"):
            await SecretFiles().read(path)
    with pytest.raises(TargetError, match="long` is too long for a secret"):
        await SecretFiles().read(str(long))


async def test_a_file_that_hangs_costs_one_thread_however_many_ask_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, fine, answer = tmp_path / "silent", tmp_path / "fine", threading.Event()
    silent.write_text("late")
    fine.write_text("token")

    def hang(path: str, limit_bytes: int) -> bytes:
        assert path != str(silent) or answer.wait(30)
        return read_regular(path, limit_bytes)

    monkeypatch.setattr("sidecar.runtime.secret.read_regular", hang)
    before = FILES.given_up
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await SecretFiles().read(str(silent))
    assert FILES.given_up == before + 1
    assert await SecretFiles().read(str(fine)) == "token"

    waiting = asyncio.ensure_future(SecretFiles().read(str(silent)))
    await asyncio.sleep(0)
    answer.set()
    assert await waiting == "late"
    await until(lambda: FILES.given_up == before)
    silent.write_text("new")
    assert await SecretFiles().read(str(silent)) == "new"
