"""Any store that says what changed survives a restart, a kill and a file that comes late; its bugs are its own."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.state.file import FLUSH_SECONDS
from sidecar.runtime.state.keeper import AT_ONCE, RecordsUnreadable, Restorable, StateKeeper, StoreFailed
from sidecar.runtime.state.table import Record
from tests.fakes import until
from tests.unit.runtime.state.running import Running, as_after_a_kill, records_after_a_kill, records_in

SINCE = {"a": 1, "b": 2}


class FiringSince:
    """A store as small as one can be: since when each alert is firing."""

    def __init__(self) -> None:
        self.since: dict[str, int] = {}
        self._changed: dict[str, None] = {}

    def fire(self, alert: str, time: int) -> None:
        self.since.setdefault(alert, time)
        self._changed[alert] = None

    def resolve(self, alert: str) -> None:
        self.since.pop(alert, None)
        self._changed[alert] = None

    @property
    def changed(self) -> int:
        return len(self._changed)

    def next_changes(self, most: int) -> list[tuple[str, bytes | None]]:
        alerts = list(islice(self._changed, most))
        for alert in alerts:
            del self._changed[alert]
        return [(alert, str(self.since[alert]).encode() if alert in self.since else None) for alert in alerts]

    def restore(self, records: Iterable[Record]) -> int:
        unreadable = 0
        for alert, time in records:
            try:
                self.since[alert] = min(int(time), self.since.get(alert, int(time)))
            except ValueError:
                self._changed[alert] = None
                unreadable += 1
        return unreadable


class Broken(FiringSince):
    """A store with a bug."""

    is_counting = True

    @property
    @override
    def changed(self) -> int:
        if self.is_counting:
            return super().changed
        raise LookupError("changed")

    @override
    def next_changes(self, most: int) -> list[tuple[str, bytes | None]]:
        raise LookupError(most)

    @override
    def restore(self, records: Iterable[Record]) -> int:
        raise LookupError(len(list(records)))


class Life(Running):
    """A process with stores that are kept."""

    def __init__(self, path: Path, **stores: Restorable) -> None:
        super().__init__(path)
        self.alerts = FiringSince()
        for name, store in {**stores, "alerts": self.alerts}.items():
            self.state.keep(StateKeeper(name, store, 1 << 20, self.meter, self.events))

    @asynccontextmanager
    async def lived(self) -> AsyncIterator[None]:
        async with open_tier(self.clock, self.events) as tier:
            await tier.start(self.file)
            yield


async def left(path: Path, alerts: dict[str, int]) -> None:
    """Leave a file as an earlier process did."""
    before = Life(path)
    async with before.lived():
        for alert, time in alerts.items():
            before.alerts.fire(alert, time)


async def test_a_store_survives_a_restart(tmp_path: Path) -> None:
    await left(tmp_path / "s.db", SINCE)
    after = Life(tmp_path / "s.db")
    async with after.lived():
        assert after.alerts.since == SINCE
        after.alerts.resolve("a")
    assert records_in(after.path, "alerts") == {"b": b"2"}


async def test_a_process_that_is_killed_leaves_what_changed_up_to_the_last_write(tmp_path: Path) -> None:
    life = Life(tmp_path / "s.db")
    async with life.lived():
        life.alerts.fire("a", 1)
        await life.pass_by(FLUSH_SECONDS)
        life.alerts.fire("b", 2)
        assert records_after_a_kill(life.path, "alerts") == {"a": b"1"}
        await life.pass_by(FLUSH_SECONDS)
        assert records_after_a_kill(life.path, "alerts") == {"a": b"1", "b": b"2"}


async def test_a_file_that_comes_late_brings_what_it_has_and_gets_what_is_new(tmp_path: Path) -> None:
    await left(tmp_path / "s.db", SINCE)
    first, second = Life(tmp_path / "s.db"), Life(tmp_path / "s.db")
    async with first.lived():
        second.alerts.fire("b", 20)
        second.alerts.fire("c", 30)
        opening = second.lived()
        await opening.__aenter__()
        assert (second.alerts.since, second.errors("locked")) == ({"b": 20, "c": 30}, 1)
    await second.pass_by(2)
    await until(lambda: second.healthy == 1)
    assert second.alerts.since == {"a": 1, "b": 2, "c": 30}
    await opening.__aexit__(None, None, None)
    assert records_in(second.path, "alerts").keys() == {"a", "b", "c"}


async def test_records_that_changed_last_come_first_and_in_parts(tmp_path: Path) -> None:
    alerts = {f"alert {number}": number for number in range(2 * AT_ONCE + 1)}
    await left(tmp_path / "s.db", alerts)
    after = Life(tmp_path / "s.db")
    async with after.lived():
        assert list(after.alerts.since) == list(alerts)[::-1]


class Noticed(FiringSince):
    """A store that tells when it was given records."""

    def __init__(self) -> None:
        super().__init__()
        self.was_given = asyncio.Event()

    @override
    def restore(self, records: Iterable[Record]) -> int:
        self.was_given.set()
        return super().restore(records)


async def test_one_that_is_stopped_while_it_restores_goes_on_with_the_next_file(tmp_path: Path) -> None:
    alerts = {f"alert {number}": number for number in range(9 * AT_ONCE)}
    await left(tmp_path / "s.db", alerts)
    store = Noticed()
    life = Running(tmp_path / "s.db")
    life.state.keep(StateKeeper("alerts", store, 1 << 20, life.meter, life.events))
    async with open_tier(life.clock, life.events) as tier, asyncio.TaskGroup() as group:
        starting = group.create_task(tier.start(life.file))
        await store.was_given.wait()
        await tier.stop("state")
        starting.cancel()
        await asyncio.wait([starting])
        assert len(store.since) < len(alerts)
        await tier.start(life.file)
        assert store.since == alerts


async def test_records_that_cannot_be_read_are_counted_told_and_removed(tmp_path: Path) -> None:
    before, after = Running(tmp_path / "s.db"), Life(tmp_path / "s.db")
    table = before.table("alerts")
    async with before.opened(table):
        table.put("a", b"1")
        table.put("bad", b"yesterday")
    async with after.lived():
        assert after.alerts.since == {"a": 1}
    assert after.events.seen == [RecordsUnreadable("alerts", 1)]
    assert records_in(after.path, "alerts") == {"a": b"1"}


async def test_what_has_no_room_in_the_file_is_counted(tmp_path: Path) -> None:
    life, store = Life(tmp_path / "s.db"), FiringSince()
    life.state.keep(StateKeeper("small", store, 1000, life.meter, life.events))
    async with life.lived():
        for number in range(10):
            store.fire(f"alert {number}", number)
    kept = records_in(life.path, "small")
    dropped = life.registry.get_sample_value("sidecar_state_dropped_records_total", {"table": "small"})
    assert (len(store.since), len(kept) + (dropped or 0)) == (10, 10)


async def test_a_store_with_a_bug_is_told_and_takes_the_file_from_nobody(tmp_path: Path) -> None:
    before = Running(tmp_path / "s.db")
    table = before.table("broken")
    async with before.opened(table):
        table.put("x", b"1")
    broken = Broken()
    after = Life(tmp_path / "s.db", broken=broken)
    async with after.lived():
        broken.fire("y", 1)
        after.alerts.fire("a", 1)
        await after.pass_by(FLUSH_SECONDS)
        assert (after.healthy, records_after_a_kill(after.path, "alerts")) == (1, {"a": b"1"})
        broken.is_counting = False
        after.alerts.fire("b", 2)
        await after.pass_by(FLUSH_SECONDS)
        assert (after.healthy, records_after_a_kill(after.path, "alerts")) == (1, {"a": b"1", "b": b"2"})
    assert set(after.said()) == {"StoreFailed"}
    assert after.events.seen[:2] == [StoreFailed("broken", "LookupError: 1"), StoreFailed("broken", "LookupError: 100")]
    assert records_in(after.path, "broken") == {"x": b"1"}


LIFE = st.tuples(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=6), st.booleans())
"""What fires or is resolved in one life, and whether that ends by a kill."""


@settings(max_examples=15, deadline=None)
@given(lives=st.lists(LIFE, min_size=1, max_size=4))
def test_over_any_restarts_and_kills_a_store_is_as_if_there_had_been_none(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[list[tuple[str, bool]], bool]]
) -> None:
    folder = tmp_path_factory.mktemp("lives")

    async def live() -> None:
        expected, path = FiringSince(), folder / "0.db"
        for number, (changes, is_killed) in enumerate(lives):
            process = Life(path)
            async with process.lived():
                assert process.alerts.since == expected.since
                for time, (alert, fires) in enumerate(changes):
                    for store in (process.alerts, expected):
                        store.fire(alert, 100 * number + time) if fires else store.resolve(alert)
                if is_killed:
                    await process.pass_by(FLUSH_SECONDS)
                    path = as_after_a_kill(path, folder / f"{number + 1}.db")

    asyncio.run(live())
