"""Error groups in the state file: what is there after a restart, a kill, and while there is no file."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from sidecar.app.stores import ERROR_GROUPS_BYTES
from sidecar.fingerprint.stack import ErrorText
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import FLUSH_SECONDS
from sidecar.runtime.state.keeper import AT_ONCE, StateKeeper
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.error_groups.group import ErrorGroup, State
from sidecar.spans.error_groups.store import ErrorGroups, Occurrence
from tests.fakes import until
from tests.unit.runtime.state.running import Running, records_after_a_kill, records_in
from tests.unit.runtime.state.test_faults import SmallDatabase


class Life(Running):
    """Error groups of one process, and the state file."""

    def __init__(self, path: Path, database: Database | None = None) -> None:
        super().__init__(path, database)
        self.groups = ErrorGroups(ErrorGroupsConfig(max_groups=300), Redactor(RedactConfig()))
        self.state.keep(StateKeeper("error_groups", self.groups, ERROR_GROUPS_BYTES, self.meter, self.events))

    def fail(self, what: str = "no card") -> str:
        """Have an error happen; return the id of its group."""
        now, error = self.clock.now(), ErrorText("RuntimeError", what, "", "python")
        return self.groups.add(Occurrence("shop", "1", error, "", b"", b"", now), now)

    def state_of(self, group_id: str) -> State:
        group = self.groups.get(group_id)
        assert group is not None
        return self.groups.state_of(group, self.clock.now())

    @asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        """Run the file as the process does."""
        async with open_tier(self.clock, self.events) as tier:
            await tier.start(self.file)
            yield


def kept(records: dict[str, bytes]) -> dict[str, float]:
    """Return how many errors each group in the file has."""
    return {key: msgspec.json.decode(record, type=ErrorGroup).count for key, record in records.items()}


async def test_groups_and_what_was_said_of_them_survive_a_restart(tmp_path: Path) -> None:
    before, after = Life(tmp_path / "s.db"), Life(tmp_path / "s.db")
    async with before.lived():
        counted, resolved, ignored = (before.fail(what) for what in ("no card", "no stock", "no luck"))
        before.fail("no card")
        before.groups.resolve(resolved, before.clock.now())
        before.groups.ignore(ignored, before.clock.now())
    after.clock.pass_by(60.0)
    async with after.lived():
        assert [after.state_of(each) for each in (counted, resolved, ignored)] == ["new", "resolved", "ignored"]
        assert after.groups.get(counted) == before.groups.get(counted)
        assert after.fail("no stock") == resolved
        assert after.fail("no luck") == ignored
        assert [after.state_of(each) for each in (resolved, ignored)] == ["regressed", "ignored"]


async def test_what_changes_is_in_the_file_at_its_next_write(tmp_path: Path) -> None:
    life = Life(tmp_path / "s.db")
    async with life.lived():
        first = life.fail()
        await life.pass_by(FLUSH_SECONDS)
        assert kept(records_after_a_kill(life.path, "error_groups")) == {first: 1}
        second = life.fail("no stock")
        life.fail()
        life.groups.resolve(first, life.clock.now())
        await life.pass_by(FLUSH_SECONDS)
        found = records_after_a_kill(life.path, "error_groups")
        assert kept(found) == {first: 2, second: 1}
        assert msgspec.json.decode(found[first], type=ErrorGroup).mark is State.RESOLVED


async def test_the_groups_seen_last_are_restored_in_their_order_and_the_others_leave_the_file(tmp_path: Path) -> None:
    before, after = Life(tmp_path / "s.db"), Life(tmp_path / "s.db")
    async with before.lived():
        ids = []
        for number in range(3 * AT_ONCE + 50):
            before.clock.pass_by(0.01)
            ids.append(before.fail(f"no {'x' * number}"))
        await before.pass_by(FLUSH_SECONDS)
    async with after.lived():
        assert [group.id for group in after.groups.newest()] == ids[: -3 * AT_ONCE - 1 : -1]
    assert set(records_in(after.path, "error_groups")) == set(ids[-3 * AT_ONCE :])


async def test_without_a_file_groups_are_in_memory_and_a_file_that_comes_later_gets_them(tmp_path: Path) -> None:
    before, life = Life(tmp_path / "s.db"), Life(tmp_path / "s.db")
    async with before.lived():
        before.fail()
    mine, shared = life.fail("no stock"), life.fail()
    async with life.lived():
        await life.pass_by(FLUSH_SECONDS)
        assert kept(records_after_a_kill(life.path, "error_groups")) == {shared: 2, mine: 1}


async def test_groups_that_cannot_be_read_harm_no_other_and_are_told(tmp_path: Path) -> None:
    before, after = Life(tmp_path / "s.db"), Life(tmp_path / "s.db")
    table = before.table("error_groups")
    async with before.opened(table):
        table.put("bad", b'{"id": 1}')
    again = Life(tmp_path / "s.db")
    async with again.lived():
        good = again.fail()
    assert [event.count for event in again.events.seen if hasattr(event, "count")] == [1]
    async with after.lived():
        assert [group.id for group in after.groups.newest()] == [good]
    assert "RecordsUnreadable" not in after.said()


async def test_errors_that_come_while_the_file_is_written_are_written_next(tmp_path: Path) -> None:
    life = Life(tmp_path / "s.db")
    async with life.lived():
        ids = {life.fail(f"no {'x' * number}") for number in range(2 * AT_ONCE)}
        async with asyncio.TaskGroup() as group:
            group.create_task(life.pass_by(FLUSH_SECONDS))
            await asyncio.sleep(0)
            ids |= {life.fail(f"no {'y' * number}") for number in range(AT_ONCE)}
        await life.pass_by(FLUSH_SECONDS)
        assert kept(records_after_a_kill(life.path, "error_groups")).keys() == ids


async def test_a_damaged_file_gets_a_new_one_with_the_groups_that_are_known(tmp_path: Path) -> None:
    life = Life(tmp_path / "s.db")
    life.path.write_bytes(b"no database at all\n" * 1000)
    known = life.fail()
    async with life.lived():
        assert life.said() == ["StateFileFailing", "StateFileSetAside", "StateFileRecovered"]
    assert kept(records_in(life.path, "error_groups")) == {known: 1}


async def test_groups_that_find_the_disk_full_are_written_when_there_is_room(tmp_path: Path) -> None:
    database = SmallDatabase(str(tmp_path / "s.db"))
    life = Life(tmp_path / "s.db", database)
    async with life.lived():
        ids = {life.fail(f"no {'x' * number}") for number in range(2 * AT_ONCE)}
        await life.pass_by(FLUSH_SECONDS)
        await life.until_error("full")
        assert [life.state_of(each) for each in ids] == [State.NEW] * len(ids)
        database.pages = 2000
        await life.pass_by(4)
        await until(lambda: life.healthy == 1)
    assert records_in(life.path, "error_groups").keys() == ids
