"""Records that survive a restart."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.state.table import RECORD_OVERHEAD_BYTES, RESTORED_AT_ONCE, Record, StateTable
from tests.unit.runtime.state.running import Running, records_after_a_kill, records_in


async def test_what_was_put_is_restored_after_a_restart_the_oldest_first(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Running(path)
    table = first.table()
    async with first.opened(table):
        for key in ("a", "b", "c", "a"):
            table.put(key, key.encode())
        table.delete("b")
    second = Running(path)
    async with second.opened(second.table()):
        assert list(second.restored.items()) == [("c", b"c"), ("a", b"a")]


async def test_changes_are_in_the_file_half_a_second_later(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    table = running.table()
    async with running.opened(table):
        table.put("a", b"1")
        table.put("a", b"2")
        await running.pass_by(0.5)
        assert records_after_a_kill(path) == {"a": b"2"}


async def test_tables_know_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    table = running.table("one")
    async with running.opened(table), running.state.keeping(other := running.table("two")):
        table.put("a", b"1")
        other.put("a", b"2")
    assert (records_in(path, "one"), records_in(path, "two")) == ({"a": b"1"}, {"a": b"2"})


async def test_a_table_may_come_before_or_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    early = running.table()
    early.put("a", b"1")
    async with running.opened(early):
        pass
    again = Running(path)
    async with again.opened(), again.state.keeping(again.table()):
        assert again.restored == {"a": b"1"}


async def test_one_that_is_stopped_while_it_restores_goes_on_with_the_next_file(tmp_path: Path) -> None:
    records = {f"key {number}": b"" for number in range(9 * RESTORED_AT_ONCE)}
    first = Running(tmp_path / "state.db")
    table = first.table()
    async with first.opened(table):
        for key, value in records.items():
            table.put(key, value)
    second, was_given = Running(tmp_path / "state.db"), asyncio.Event()
    restored: dict[str, bytes] = {}

    def restore(part: Sequence[Record]) -> None:
        restored.update(part)
        was_given.set()

    second.state.keep(StateTable("things", 2**24, restore, second.meter))
    async with open_tier(second.clock, second.events) as tier, asyncio.TaskGroup() as group:
        starting = group.create_task(tier.start(second.file))
        await was_given.wait()
        await tier.stop("state")
        starting.cancel()
        await asyncio.wait([starting])
        assert len(restored) < len(records)
        await tier.start(second.file)
        assert restored == records


async def test_what_was_put_before_the_file_was_there_wins_and_what_was_deleted_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Running(path)
    table = first.table()
    async with first.opened(table):
        for key in ("a", "b", "c"):
            table.put(key, b"old")
    second = Running(path)
    table = second.table()
    table.put("a", b"new")
    table.delete("b")
    async with second.opened(table):
        assert second.restored == {"c": b"old"}
    assert records_in(path) == {"a": b"new", "c": b"old"}


async def test_what_has_no_room_pushes_out_what_was_not_put_for_longest_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    table = running.table(max_bytes=2 * (RECORD_OVERHEAD_BYTES + 2))
    async with running.opened(table):
        for key in ("a", "b", "a", "c"):
            table.put(key, b"1")
    assert records_in(path) == {"a": b"1", "c": b"1"}
    assert running.registry.get_sample_value("sidecar_state_dropped_records_total", {"table": "things"}) == 1


async def test_a_record_larger_than_the_table_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running = Running(path)
    table = running.table(max_bytes=1000)
    async with running.opened(table):
        table.put("a", b"1")
        table.put("b", b"1")
        table.put("b", b"x" * 1000)
    assert records_in(path) == {"a": b"1"}
    assert running.registry.get_sample_value("sidecar_state_dropped_records_total", {"table": "things"}) == 1


async def test_a_key_that_no_file_can_hold_is_counted_and_harms_no_other(tmp_path: Path) -> None:
    running = Running(tmp_path / "state.db")
    table = running.table()
    async with running.opened(table):
        table.put("\ud800", b"1")
        table.put("a\0b", b"2")
        table.delete("\ud800")
        await running.pass_by(0.5)
        assert (running.healthy, records_after_a_kill(running.path)) == (1, {"a\0b": b"2"})
    assert running.registry.get_sample_value("sidecar_state_dropped_records_total", {"table": "things"}) == 1


async def test_a_file_that_holds_more_than_there_is_room_for_gives_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Running(path)
    table = first.table()
    async with first.opened(table):
        for number in range(10):
            table.put(str(number), b"1")
    second = Running(path)
    async with second.opened(second.table(max_bytes=3 * (RECORD_OVERHEAD_BYTES + 2))):
        assert list(second.restored) == ["7", "8", "9"]
    assert list(records_in(path)) == ["7", "8", "9"]


async def test_without_a_file_deletions_do_not_pile_up(tmp_path: Path) -> None:
    table = Running(tmp_path / "state.db").table(max_bytes=10 * RECORD_OVERHEAD_BYTES)
    for number in range(1000):
        table.delete(str(number))
    assert len(table._changed) == 20


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.binary(max_size=4))), max_size=8)))
def test_a_file_is_what_a_mapping_would_be_across_restarts(runs: list[list[tuple[str, bytes | None]]]) -> None:
    import asyncio
    import tempfile

    async def live(path: Path, changes: list[tuple[str, bytes | None]]) -> None:
        running = Running(path)
        table = running.table()
        async with running.opened(table):
            for key, value in changes:
                table.put(key, value) if value is not None else table.delete(key)

    expected: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        for changes in [[], *runs]:
            asyncio.run(live(path, changes))
            for key, value in changes:
                expected.pop(key, None)
                if value is not None:
                    expected[key] = value
            assert records_in(path) == expected
