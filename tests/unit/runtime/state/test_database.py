"""The schema: a file of any earlier version becomes one of the newest."""

import sqlite3
from pathlib import Path

import pytest

from sidecar.runtime.state.database import MIGRATIONS, Database
from sidecar.runtime.state.error import Reason, StateError


def schema(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    connection.close()
    return found


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_a_file_of_an_earlier_version_keeps_its_records_and_gets_the_newest_schema(
    tmp_path: Path, version: int
) -> None:
    old = Database(str(tmp_path / "old.db"), MIGRATIONS[:version])
    old.open()
    if version:
        old.connection.execute("INSERT INTO records VALUES ('things', 'a', x'01')")
    old.close()
    upgraded = Database(old.path)
    upgraded.open()
    assert upgraded.connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert upgraded.connection.execute("SELECT count(*) FROM records").fetchone() == (min(version, 1),)
    upgraded.close()
    new = Database(str(tmp_path / "new.db"))
    new.open()
    new.close()
    assert schema(Path(old.path)) == schema(Path(new.path))


def test_a_migration_that_fails_leaves_the_file_at_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    broken = Database(str(path), (*MIGRATIONS, "CREATE TABLE more (id INTEGER); CREATE TABLE records (id INTEGER)"))
    with pytest.raises(sqlite3.OperationalError):
        broken.open()
    broken.close()
    good = Database(str(path))
    good.open()
    assert good.connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert not any("more" in statement for statement in schema_of(good))
    good.close()


def test_free_pages_are_given_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    database = Database(str(path))
    database.open()
    row = ("things", "a", bytes(64 * 2**20))
    database.connection.execute("INSERT INTO records VALUES (?, ?, ?)", row)
    database.connection.execute("DELETE FROM records")
    for _ in range(15):
        database.tidy()
    database.close()
    assert path.stat().st_size < 9 * 2**20


@pytest.mark.parametrize("reason", [Reason.NEWER, Reason.CORRUPT])
def test_a_file_that_took_the_place_of_the_one_that_was_read_is_not_set_aside(tmp_path: Path, reason: Reason) -> None:
    ours, other = Database(str(tmp_path / "state.db")), Database(str(tmp_path / "other.db"))
    for database in (other, ours):
        database.open()
        database.close()
    Path(other.path).replace(ours.path)
    with pytest.raises(StateError, match="removed or replaced"):
        ours.set_aside(reason)
    assert [file.name for file in tmp_path.iterdir()] == ["state.db"]


def schema_of(database: Database) -> list[str]:
    return [row[0] for row in database.connection.execute("SELECT sql FROM sqlite_master") if row[0]]
