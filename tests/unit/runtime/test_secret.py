"""Secrets in files that are fine, missing, no text, or do not answer."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from sidecar.model.errors import TargetError
from sidecar.runtime.secret import SecretFiles
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


async def test_a_file_without_end_is_told_and_not_taken_into_memory() -> None:
    with pytest.raises(TargetError, match="`/dev/zero` is too long for a secret"):
        async with asyncio.timeout(10):
            await SecretFiles().read("/dev/zero")


async def test_a_file_that_hangs_costs_one_thread_of_its_own_however_often_it_is_asked_for(tmp_path: Path) -> None:
    files, silent, fine = SecretFiles(), tmp_path / "silent", tmp_path / "fine"
    os.mkfifo(silent)
    fine.write_text("token")
    before = threading.active_count()
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await files.read(str(silent))
    assert threading.active_count() == before + 1
    assert await files.read(str(fine)) == "token"

    answer = os.open(silent, os.O_WRONLY | os.O_NONBLOCK)
    waiting = asyncio.create_task(files.read(str(silent)))
    await asyncio.sleep(0)
    os.write(answer, b"late\n")
    os.close(answer)
    assert await waiting == "late"
    await until(lambda: threading.active_count() == before)
    silent.unlink()
    silent.write_text("new")
    assert await files.read(str(silent)) == "new"


async def test_a_file_that_fails_after_everybody_went_is_no_trouble(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files, silent = SecretFiles(), tmp_path / "silent"
    os.mkfifo(silent)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await files.read(str(silent))
    before = threading.active_count()
    answer = os.open(silent, os.O_WRONLY | os.O_NONBLOCK)
    os.write(answer, b"\xff")
    os.close(answer)
    await until(lambda: threading.active_count() < before)
    del files
    await asyncio.sleep(0.01)
    assert caplog.records == []
