"""From bodies to sinks: in turns, all or nothing, and what a sink refuses."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import pytest
from typing_extensions import override

from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.errors import MalformedInputError
from sidecar.model.steps import Steps
from sidecar.receive.otlp.allowance import Allowance, Held
from sidecar.receive.otlp.ingest import AtOnce, Ingest, Ingested
from sidecar.receive.otlp.reception import at_once
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.turns import OTHERS_ROUNDS, Turns
from tests.unit.receive.served import CountingSink, body_of

BATCHES = 4


class EveryTurnIsOver(SystemClock):
    """Time of which so much passes between two looks at it that no turn lasts."""

    def __init__(self) -> None:
        self._moments = count(0.0, 1.0)

    @override
    def monotonic(self) -> float:
        return next(self._moments)


class Numbers:
    """Batches of three numbers each, of which the last may be a mistake."""

    def __init__(self, body: bytes, _received_at: float) -> None:
        self.rejected = 0
        self.skipped: Mapping[str, int] = {}
        self._body = body

    def __iter__(self) -> Iterator[Sequence[int]]:
        for byte in self._body:
            if byte == 0:
                raise MalformedInputError("zero")
            yield [byte] * 3


def no_share() -> Held:
    """Return what a request without bytes holds."""
    return Allowance(0, 1).enter()


def read_in_steps(body: bytes, received_at: float) -> Steps[Numbers]:
    """Open a body that needs a step for each of its bytes."""
    for _ in body:
        yield
    return Numbers(body, received_at)


async def rounds_while(work: "asyncio.Task[object]") -> int:
    rounds = 0
    while not work.done():
        await asyncio.sleep(0)
        rounds += 1
    return rounds


async def test_between_two_turns_others_get_several_rounds_of_the_loop() -> None:
    read = at_once(SpanBatches)
    ingest = Ingest(AtOnce(CountingSink()), Turns(EveryTurnIsOver()), read, read)
    async with asyncio.TaskGroup() as group:
        rounds = await rounds_while(group.create_task(ingest.ingest(body_of(2000), read, no_share())))
    assert rounds >= 2 * BATCHES * OTHERS_ROUNDS


async def test_opening_a_body_is_done_in_turns_too() -> None:
    ingest = Ingest(AtOnce(CountingSink()), Turns(EveryTurnIsOver()), at_once(Numbers), read_in_steps)
    body = bytes([1] * 10)
    async with asyncio.TaskGroup() as group:
        rounds = await rounds_while(group.create_task(ingest.ingest(body, ingest.json, no_share())))
    assert rounds >= 3 * len(body) * OTHERS_ROUNDS


@pytest.mark.parametrize("length", [1, 31, 32, 33, 100])
async def test_a_request_counts_as_a_whole_or_not_at_all(length: int) -> None:
    sink = CountingSink()
    ingest = Ingest(AtOnce(sink), Turns(SystemClock()), at_once(Numbers), at_once(Numbers))
    with pytest.raises(MalformedInputError):
        await ingest.ingest(bytes([1] * length + [0]), ingest.protobuf, no_share())
    assert sink.items == 0
    taken = await ingest.ingest(bytes([1] * length), ingest.protobuf, no_share())
    assert (taken.accepted, taken.lost, sink.items) == (3 * length, 0, 3 * length)


@pytest.mark.parametrize("length", [1, 40])
async def test_what_the_sink_refuses_is_not_counted_as_accepted(length: int) -> None:
    sink = CountingSink()
    sink.refuse = 2
    ingest = Ingest(AtOnce(sink), Turns(SystemClock()), at_once(Numbers), at_once(Numbers))
    taken = await ingest.ingest(bytes([1] * length), ingest.protobuf, no_share())
    assert (taken.accepted, taken.refused) == (length, 2 * length)
    assert taken.reason == f"{2 * length} were over a limit of what is kept"


async def test_requests_of_all_signals_are_worked_on_one_after_the_other() -> None:
    turns = Turns(EveryTurnIsOver())
    order: list[int] = []

    class Recording(CountingSink):
        @override
        def accept(self, batch: Any, /) -> int:
            order.append(batch[0])
            return super().accept(batch)

    first, second = (Ingest(AtOnce(Recording()), turns, at_once(Numbers), at_once(Numbers)) for _ in range(2))
    async with asyncio.TaskGroup() as group:
        group.create_task(first.ingest(bytes([1] * 5), first.protobuf, no_share()))
        group.create_task(second.ingest(bytes([2] * 5), second.protobuf, no_share()))
    assert order == [1] * 5 + [2] * 5


def test_what_was_left_out_and_what_was_refused_are_told_together() -> None:
    taken = Ingested(5, 1, 3, {}, 2, {"no name": 2})
    assert (taken.lost, taken.reason) == (4, "1 were too large, 2: no name, 1 more were refused")
