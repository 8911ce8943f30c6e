"""Bodies on disk: order, room, what is held, and what comes back."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.runtime.state.error import StateError
from sidecar.runtime.state.spill import SpillQueue
from sidecar.runtime.state.spilled import READ_AT_ONCE, READ_AT_ONCE_BYTES, Spilled
from tests.fakes import until
from tests.unit.runtime.state.running import Running

LABEL = "traces"


class Queue:
    """A queue with what it dropped in view."""

    def __init__(self, max_bytes: int = 2**20, name: str = "forward") -> None:
        self.dropped: Counter[str] = Counter()
        self.queue = SpillQueue(name, max_bytes, self._drop)

    def _drop(self, label: str, reason: str, count: int) -> None:
        self.dropped[f"{label} {reason}"] += count


def bodies(*numbers: int, size: int = 100) -> list[Spilled]:
    return [Spilled(number, LABEL, f"{number}".encode().ljust(size)) for number in numbers]


async def ids_of(queue: SpillQueue) -> list[int]:
    return [body.id for body in await queue.read()]


async def test_bodies_come_back_after_a_restart_in_their_order_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Queue().queue
    async with Running(path).opened(first):
        await first.add(bodies(3, 1))
        await first.add([Spilled(2, "logs", bytes(range(256)))])
    second = Queue().queue
    async with Running(path).opened(second):
        assert (second.waiting, second.bytes) == (3, 456)
        assert await second.read() == [*bodies(1), Spilled(2, "logs", bytes(range(256))), *bodies(3)]
        assert second.waiting == 0


async def test_what_was_removed_is_gone_and_what_was_only_held_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    first = Queue().queue
    async with Running(path).opened(first):
        await first.add(bodies(1, 2))
        await first.read()
        first.remove(1)
        first.remove(7)
        assert first.bytes == 100
    second = Queue().queue
    async with Running(path).opened(second):
        assert await ids_of(second) == [2]


async def test_what_is_held_is_not_read_again(tmp_path: Path) -> None:
    queue = Queue().queue
    async with Running(tmp_path / "state.db").opened(queue):
        await queue.add(bodies(1), held=True)
        await queue.add(bodies(2))
        assert (queue.holds(1), queue.holds(2), queue.waiting) == (True, False, 1)
        assert await ids_of(queue) == [2]
        assert await ids_of(queue) == []


async def test_a_postponed_body_waits_at_the_end(tmp_path: Path) -> None:
    queue = Queue().queue
    async with Running(tmp_path / "state.db").opened(queue):
        await queue.add(bodies(1, 2))
        await queue.read()
        await queue.postpone(1, 3)
        assert await queue.read() == [Spilled(3, LABEL, bodies(1)[0].body)]


async def test_the_oldest_that_waits_makes_room_and_is_told(tmp_path: Path) -> None:
    queue = Queue(max_bytes=300)
    async with Running(tmp_path / "state.db").opened(queue.queue):
        await queue.queue.add(bodies(1), held=True)
        await queue.queue.add(bodies(2, 3, 4))
        assert (queue.dropped, queue.queue.bytes) == ({"traces spill_full": 1}, 300)
        assert await ids_of(queue.queue) == [3, 4]


async def test_writing_again_what_is_there_changes_nothing(tmp_path: Path) -> None:
    queue = Queue().queue
    async with Running(tmp_path / "state.db").opened(queue):
        await queue.add(bodies(1))
        await queue.add(bodies(1))
        assert (queue.waiting, queue.bytes) == (1, 100)
        await queue.add(bodies(1), held=True)
        assert (queue.waiting, queue.bytes, queue.holds(1)) == (0, 100, True)


async def test_reading_brings_so_many_or_so_much_and_a_large_body_alone(tmp_path: Path) -> None:
    queue = Queue(max_bytes=2**26).queue
    async with Running(tmp_path / "state.db").opened(queue):
        await queue.add(bodies(*range(READ_AT_ONCE + 1), size=10))
        assert len(await queue.read()) == READ_AT_ONCE
        await queue.add(bodies(1000, size=READ_AT_ONCE_BYTES + 1))
        assert [len(await queue.read()) for _ in range(2)] == [1, 1]


async def test_without_a_file_nothing_is_taken_and_nothing_waits(tmp_path: Path) -> None:
    running, queue = Running(tmp_path / "state.db"), Queue().queue
    with pytest.raises(StateError):
        await queue.add(bodies(1))
    async with running.opened(queue):
        await queue.add(bodies(1))
    assert (queue.is_open, queue.waiting, queue.holds(1)) == (False, 0, False)
    with pytest.raises(StateError):
        await queue.read()


async def test_what_is_lost_with_a_file_is_told_and_what_is_held_can_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    running, queue = Running(path), Queue()
    async with running.opened(queue.queue):
        await queue.queue.add(bodies(1, 2))
        await queue.queue.add(bodies(3), held=True)
        path.unlink()
        await running.pass_by(0.5)
        await running.until_error("gone")
        await running.pass_by(2)
        await until(lambda: running.healthy == 1)
        assert (queue.dropped, queue.queue.holds(3), queue.queue.bytes) == ({"traces spill_lost": 2}, False, 0)
        await queue.queue.add(bodies(3), held=True)
        assert queue.queue.holds(3)


async def test_queues_know_nothing_of_each_other(tmp_path: Path) -> None:
    running = Running(tmp_path / "state.db")
    one, other = Queue().queue, Queue(name="other").queue
    async with running.opened(one), running.state.keeping(other):
        await one.add(bodies(1))
        await other.add(bodies(1, 2))
        assert (await ids_of(one), await ids_of(other)) == ([1], [1, 2])


STEPS = st.sampled_from(["add", "hold", "read", "remove", "postpone"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(STEPS, max_size=12), max_size=4))
def test_whatever_is_done_every_body_is_there_once_until_it_is_removed_or_dropped(runs: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_live(Path(folder) / "state.db", runs))


async def _live(path: Path, runs: list[list[str]]) -> None:
    model = _Model()
    for steps in runs:
        async with Running(path).opened(model.queue):
            for step in steps:
                await model.take(step)
            assert model.queue.bytes == 100 * (model.queue.waiting + len(model.held))
        model.restart()
    async with Running(path).opened(model.queue):
        left = {body.id: body.body for body in await model.queue.read()}
    assert left.items() <= model.there.items()
    assert len(model.there) - len(left) == sum(model.dropped)


class _Model:
    """What should be in a queue of five bodies."""

    def __init__(self) -> None:
        self.last = 0
        self.there: dict[int, bytes] = {}
        self.dropped: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.held: list[int] = []
        self.queue = SpillQueue("forward", 500, lambda _label, _reason, count: self.dropped.append(count))

    async def take(self, step: str) -> None:
        self.last += 1
        match step:
            case "add" | "hold":
                (body,) = bodies(self.last)
                await self.queue.add([body], held=step == "hold")
                self.there[self.last] = body.body
                self.held += [self.last] if step == "hold" else []
            case "read":
                self.held += await ids_of(self.queue)
            case "remove" if self.held:
                number = self.held.pop(0)
                self.queue.remove(number)
                del self.there[number]
            case "postpone" if self.held:
                number = self.held.pop(0)
                await self.queue.postpone(number, self.last)
                self.there[self.last] = self.there.pop(number)
