"""A state file that is broken, full, locked, read-only, foreign, slow or gone: everybody goes on in memory."""

import errno
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.model.health import Status
from sidecar.runtime.state.database import APPLICATION_ID, MIGRATIONS, SET_ASIDE, Database
from sidecar.runtime.state.error import Reason
from sidecar.runtime.state.file import StateFileSetAside
from tests.fakes import settle, until
from tests.unit.runtime.state.running import Running, as_after_a_kill, records_in


async def filled(path: Path, records: int = 200, size: int = 200) -> None:
    """Leave a file at `path` as an earlier process did."""
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        for number in range(records):
            table.put(f"old {number}", b"x" * size)


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096 + 100)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database at all\n" * 1000),
        lambda path: overwrite(path, 0, b"\xff" * 100),
        lambda path: overwrite(path, 4096, b"\xff" * (path.stat().st_size - 4096)),
        truncate,
    ],
    ids=["text", "header", "pages", "truncated"],
)
async def test_a_damaged_file_is_set_aside_and_a_new_one_is_begun(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    path = tmp_path / "state.db"
    await filled(path)
    damage(path)
    damaged = path.read_bytes()
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
    assert running.said() == ["StateFileFailing", "StateFileSetAside", "StateFileRecovered"]
    assert running.errors("corrupt") == 1
    assert (tmp_path / "state.db.corrupt-1").read_bytes() == damaged
    assert records_in(path) == {"a": b"1"}


async def test_a_file_damaged_while_it_is_open_loses_nothing_that_is_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    more_than_sqlite_caches = 30_000
    await filled(path, size=more_than_sqlite_caches)
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        before = dict(running.restored)
        overwrite(path, 4096, b"\xff" * (path.stat().st_size - 4096))
        for number in range(200):
            table.put(f"old {number}", b"new")
        await running.pass_by(0.5)
        await running.until_error("corrupt")
        await until(lambda: running.healthy == 1)
    assert len(before) == 200
    assert records_in(path) == dict.fromkeys(before, b"new")


async def test_only_so_many_damaged_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for number in range(8):
        path.write_bytes(f"no database {number}".encode() * 100)
        async with Running(path).opened():
            pass
    assert files_in(tmp_path) == ["state.db", *(f"state.db.corrupt-{number}" for number in range(1, 6))]
    assert b"no database 7" in (tmp_path / "state.db.corrupt-5").read_bytes()


class SmallDatabase(Database):
    """A disk that has so many pages of 4 KiB."""

    pages = 20

    @override
    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.execute(f"PRAGMA max_page_count = {self.pages}")
        return connection


async def test_a_full_disk_is_told_and_what_did_not_fit_is_written_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = SmallDatabase(str(path))
    running = Running(path, database)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        await running.pass_by(0.5)
        for number in range(100):
            table.put(str(number), b"x" * 4096)
        await running.pass_by(0.5)
        await running.until_error("full")
        assert (running.healthy, len(table)) == (0, 101)
        await running.pass_by(2)
        await running.until_error("full", 2)
        database.pages = 2000
        await running.pass_by(4)
        await until(lambda: running.healthy == 1)
    assert len(records_in(path)) == 101
    assert running.said() == ["StateFileFailing", "StateFileRecovered"]


async def test_a_file_that_another_process_has_is_left_to_it_and_taken_over_when_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await filled(path, records=1)
    first, second = Running(path), Running(path)
    async with second.state.keeping(table := second.table()):
        async with first.opened():
            opening = second.opened()
            await opening.__aenter__()
            assert (second.healthy, second.errors("locked"), second.restored) == (0, 1, {})
            table.put("a", b"1")
        await second.pass_by(2)
        await until(lambda: second.healthy == 1)
        assert second.restored == {"old 0": b"x" * 200}
        await opening.__aexit__(None, None, None)
    assert set(records_in(path)) == {"a", "old 0"}
    assert second.said() == ["StateFileFailing", "StateFileRecovered"]


async def test_a_lock_taken_by_hand_is_a_fault_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await filled(path, records=1)
    locker = sqlite3.connect(path)
    locker.execute("BEGIN EXCLUSIVE")
    running = Running(path)
    async with running.opened():
        assert running.errors("locked") == 1
        locker.close()
        await running.pass_by(2)
        await until(lambda: running.healthy == 1)


class ReadOnlyDatabase(Database):
    """A file that SQLite may read and not write."""

    @override
    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.execute("PRAGMA query_only = ON")
        return connection


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await filled(path, records=3)
    running = Running(path, ReadOnlyDatabase(str(path)))
    table = running.table()
    async with running.opened(table):
        assert len(running.restored) == 3
        table.put("a", b"1")
        await running.pass_by(0.5)
        await running.until_error("read_only")
        assert running.healthy == 0


@pytest.mark.parametrize("name", [".", "missing/state.db", "file/state.db"])
async def test_a_path_where_no_file_can_be_is_told_and_tried_again(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / name
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        assert (running.healthy, running.errors("unreachable")) == (0, 1)
        assert running.state.health is not None
        assert running.state.health.status is Status.WARN
        assert "in memory only" in running.state.health.reason
        await running.pass_by(2)
        await running.until_error("unreachable", 2)
    assert running.said() == ["StateFileFailing"]


async def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (id INTEGER)")
    other.close()
    before = path.read_bytes()
    running = Running(path)
    async with running.opened():
        assert running.errors("foreign") == 1
    assert (path.read_bytes(), files_in(tmp_path)) == (before, ["state.db"])


async def newer_left(path: Path, records: int = 1, version: int = 99) -> None:
    """Leave a file at `path` as a newer sidecar did."""
    await filled(path, records)
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {version}")
    newer.close()


async def test_the_file_of_a_newer_sidecar_is_set_aside_and_a_new_one_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await newer_left(path)
    before = path.read_bytes()
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        assert (running.healthy, running.errors("newer"), running.restored) == (1, 1, {})
        table.put("a", b"1")
    (told,) = running.events.seen
    assert isinstance(told, StateFileSetAside)
    assert told.aside == f"{path}.newer-1"
    assert "version 99; this one knows" in told.error
    assert f"knows {len(MIGRATIONS)}" in told.error
    assert (tmp_path / "state.db.newer-1").read_bytes() == before
    assert records_in(path) == {"a": b"1"}
    again = Running(path)
    async with again.opened(again.table()):
        assert (again.restored, again.said()) == ({"a": b"1"}, [])


@pytest.mark.parametrize("version", [-1, -len(MIGRATIONS), -(2**31), 2**31 - 1])
async def test_a_version_that_there_never_was_is_none_of_ours_to_migrate(tmp_path: Path, version: int) -> None:
    path = tmp_path / "state.db"
    await newer_left(path, version=version)
    before = path.read_bytes()
    running = Running(path)
    async with running.opened():
        assert (running.healthy, running.errors("newer"), running.said()) == (1, 1, ["StateFileSetAside"])
    assert (tmp_path / "state.db.newer-1").read_bytes() == before


async def test_of_a_newer_file_nothing_is_lost_not_even_what_a_kill_left_in_the_log_beside_it(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    path = tmp_path / "killed" / "state.db"
    await newer_left(tmp_path / "state.db")
    newer = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    newer.execute("INSERT INTO records VALUES ('things', 'last', x'01')")
    as_after_a_kill(tmp_path / "state.db", path)
    newer.close()
    async with Running(path).opened():
        pass
    assert records_in(path.parent / "state.db.newer-1").keys() == {"old 0", "last"}


async def test_newer_files_that_were_set_aside_are_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for number in range(1, SET_ASIDE + 1):
        path.unlink(missing_ok=True)
        await newer_left(path, records=number)
        async with Running(path).opened():
            pass
    path.unlink()
    await newer_left(path, records=6)
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        assert (running.healthy, running.errors("newer")) == (0, 1)
        await running.pass_by(2)
        await running.until_error("newer", 2)
        assert running.said() == ["StateFileFailing"]
        assert "version 99" in str(running.events.seen[0])
        assert "remove one" in str(running.events.seen[0])
        (tmp_path / "state.db.newer-2").unlink()
        await running.pass_by(4)
        await until(lambda: running.healthy == 1)
    counts = {name: len(records_in(tmp_path / name)) for name in files_in(tmp_path)}
    assert counts == {"state.db": 1, **{f"state.db.newer-{n}": {2: 6}.get(n, n) for n in range(1, SET_ASIDE + 1)}}
    assert running.said() == ["StateFileFailing", "StateFileSetAside", "StateFileRecovered"]


class PinnedDatabase(Database):
    """A file in a folder where nothing may be renamed."""

    @override
    def set_aside(self, reason: Reason) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")


async def test_a_newer_file_that_cannot_be_renamed_stays_as_it_is_and_state_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await newer_left(path)
    before = path.read_bytes()
    running = Running(path, PinnedDatabase(str(path)))
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        assert (running.healthy, running.errors("newer"), running.errors("read_only")) == (0, 1, 1)
        assert running.said() == ["StateFileFailing"]
    assert (path.read_bytes(), files_in(tmp_path)) == (before, ["state.db"])


async def test_a_file_that_is_removed_under_our_feet_is_made_again_with_all_there_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        await running.pass_by(0.5)
        path.unlink()
        await running.pass_by(0.5)
        await running.until_error("gone")
        await running.pass_by(2)
        await until(lambda: running.healthy == 1)
    assert records_in(path) == {"a": b"1"}


class HangingDatabase(Database):
    """A disk that does not answer until it is let go."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.answers = threading.Event()

    @override
    def connect(self) -> sqlite3.Connection:
        self.answers.wait(20)
        return super().connect()


@pytest.mark.alone("waits for a thread no longer than 50 ms")
async def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.runtime.state.file.OPEN_SECONDS", 0.05)
    monkeypatch.setattr("sidecar.runtime.state.file.CLOSE_SECONDS", 0.05)
    path = tmp_path / "state.db"
    database = HangingDatabase(str(path))
    running = Running(path, database)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        assert (running.healthy, running.errors("slow")) == (0, 1)
        await running.pass_by(2)
        await running.until_error("slow", 2)
        monkeypatch.undo()  # a good disk has its usual time, on a busy machine too
        database.answers.set()
        await settle()
        await running.pass_by(8)
        await until(lambda: running.healthy == 1)
    assert records_in(path) == {"a": b"1"}


async def test_the_file_is_for_our_user_only_and_knows_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with Running(path).opened():
        assert path.stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()


async def test_stopping_without_ever_having_had_a_file_is_quiet(tmp_path: Path) -> None:
    running = Running(tmp_path / "missing" / "state.db")
    async with running.opened():
        pass
    assert running.state.health is None
