"""Spans of several requests in one batch: when it goes, in which steps, and that none is lost or counted twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from sidecar.codec.otlp.json.traces import JsonTraces
from sidecar.codec.otlp.parsed import parsed
from sidecar.codec.otlp.traces import SpanBatches
from sidecar.model.errors import MalformedInputError
from sidecar.model.span import SpanBatch
from sidecar.receive.otlp.allowance import Allowance
from sidecar.receive.otlp.gather import (
    FEWEST_SPANS,
    GATHER_BYTES,
    GATHER_SECONDS,
    GATHER_SPANS,
    PART_SPANS,
    STEP_SECONDS,
    Gather,
    SpansFailed,
)
from sidecar.receive.otlp.ingest import Ingest
from sidecar.receive.otlp.reception import at_once
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from sidecar.runtime.turns import Turns
from tests.fakes import FakeClock, RecordedEvents, settle
from tests.unit.receive.served import body_of, json_of

MIB = 1 << 20


class Gathering:
    """A gather, a way in for requests, and what came out."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        self.batches: list[list[str]] = []
        self.forwarded: list[bytes] = []
        self.allowance = Allowance(64 * MIB, 1000)
        self.fate: Callable[[SpanBatch], object] = len
        self.gather = Gather(self._give, self.clock, Meter(self.registry), self.events, self.clock.monotonic)
        self._ingest = Ingest(
            self.gather,
            Turns(self.clock),
            at_once(SpanBatches),
            JsonTraces().read,
            lambda _, body: self.forwarded.append(body),
        )

    def _give(self, batch: SpanBatch) -> None:
        self.batches.append([span.name.decode() for group in batch.groups for span in map(parsed, group.spans)])
        self.fate(batch)

    async def take(self, body: bytes, *, json: bool = False, size: int | None = None) -> int:
        """Take a request as a receiver does, which says it has `size`; return how many spans were accepted."""
        with self.allowance.enter() as held:
            held.add(len(body) if size is None else size)
            reader = self._ingest.json if json else self._ingest.protobuf
            return (await self._ingest.ingest(body, reader, held)).accepted

    async def slow_down(self) -> None:
        """Have the sink take so long for a few spans that it gets few at a time."""
        self.fate = lambda _: self.clock.pass_by(1)
        await self.take(body_of(FEWEST_SPANS))
        await self.gather.flush()
        self.batches.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Gathering"]:
        async with open_tier(self.clock, self.events) as tier:
            await tier.start(self.gather)
            yield self

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]

    @property
    def free_bytes(self) -> int:
        return self.allowance._free_bytes

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"sidecar_otlp_gathered_{name}_total")


async def test_spans_of_several_requests_are_one_batch_after_50_ms() -> None:
    async with Gathering().running() as gathering:
        for name in "abc":
            assert await gathering.take(body_of(2, name)) == 2
        await gathering.clock.advance(GATHER_SECONDS / 2)
        assert gathering.batches == []
        await gathering.clock.advance(GATHER_SECONDS / 2)
        assert gathering.batches == [list("aabbcc")]
        assert (gathering.count("batches"), gathering.count("spans")) == (1, 6)
        assert len(gathering.forwarded) == 3


async def test_the_time_begins_with_the_first_span_after_a_batch() -> None:
    async with Gathering().running() as gathering:
        await gathering.take(body_of(GATHER_SPANS - 1))
        await gathering.clock.advance(GATHER_SECONDS * 0.6)
        await gathering.take(body_of(1))
        await gathering.take(body_of(1, "late"))
        assert sum(gathering.sizes) == GATHER_SPANS
        await gathering.clock.advance(GATHER_SECONDS * 0.9)
        assert sum(gathering.sizes) == GATHER_SPANS
        await gathering.clock.advance(GATHER_SECONDS * 0.2)
        assert gathering.batches[-1] == ["late"]


async def test_enough_spans_or_bytes_go_at_once() -> None:
    async with Gathering().running() as gathering:
        for _ in range(GATHER_SPANS // 100):
            await gathering.take(body_of(100))
        assert sum(gathering.sizes) == GATHER_SPANS
        assert max(gathering.sizes) <= PART_SPANS
        await gathering.take(body_of(1), size=GATHER_BYTES // 2)
        assert sum(gathering.sizes) == GATHER_SPANS
        await gathering.take(body_of(1), size=GATHER_BYTES // 2)
        assert sum(gathering.sizes) == GATHER_SPANS + 2


async def test_a_large_request_waits_for_no_other_and_takes_those_before_it_along() -> None:
    async with Gathering().running() as gathering:
        await gathering.take(body_of(1, "first"))
        await gathering.take(body_of(1800), size=MIB)
        assert gathering.batches[0] == ["first"]
        assert (sum(gathering.sizes), max(gathering.sizes)) == (1801, 500)


@pytest.mark.parametrize("length", [1, 600, 20_000])
async def test_a_bad_request_leaves_nothing_and_harms_no_other(length: int) -> None:
    async with Gathering().running() as gathering:
        await gathering.take(body_of(1, "good"))
        with pytest.raises(MalformedInputError):
            await gathering.take(body_of(length, "bad") + b"\xff")
        await gathering.take(body_of(1, "good"))
    assert gathering.batches == [["good"] * 2]
    assert len(gathering.forwarded) == 2
    assert gathering.free_bytes == 64 * MIB


async def test_whoever_reads_finds_what_was_answered_before() -> None:
    async with Gathering().running() as gathering:
        await gathering.take(body_of(700))
        await gathering.gather.flush()
        assert sum(gathering.sizes) == 700


async def test_whoever_reads_waits_for_a_batch_that_is_on_its_way() -> None:
    async with Gathering().running() as gathering, asyncio.TaskGroup() as group:
        await gathering.slow_down()
        await gathering.take(body_of(1400))
        first = group.create_task(gathering.gather.flush())
        await asyncio.sleep(0)
        assert 0 < sum(gathering.sizes) < 1400
        await gathering.gather.flush()
        assert sum(gathering.sizes) == 1400
        await first


async def test_a_reader_that_gives_up_loses_nothing() -> None:
    async with Gathering().running() as gathering:
        await gathering.slow_down()
        await gathering.take(body_of(1400))
        reader = asyncio.ensure_future(gathering.gather.flush())
        await asyncio.sleep(0)
        reader.cancel()
        await settle()
        assert 0 < sum(gathering.sizes) < 1400
        await gathering.gather.flush()
        assert sum(gathering.sizes) == 1400
        assert gathering.free_bytes == 64 * MIB


async def test_its_end_flushes_and_afterwards_nothing_waits() -> None:
    gathering = Gathering()
    async with gathering.running():
        await gathering.take(body_of(3, "a"))
        assert gathering.batches == []
    assert gathering.batches == [["a"] * 3]
    await gathering.take(body_of(1, "late"))
    assert gathering.batches[1:] == [["late"]]


async def test_what_waits_is_held_of_the_allowance_until_the_sink_has_it() -> None:
    async with Gathering().running() as gathering:
        body = body_of(3)
        await gathering.take(body)
        await gathering.take(body)
        assert gathering.free_bytes == 64 * MIB - 2 * len(body)
        await gathering.clock.advance(GATHER_SECONDS)
        assert gathering.free_bytes == 64 * MIB
        await gathering.take(body_of(0))
        assert gathering.free_bytes == 64 * MIB


async def test_spans_that_the_sink_fails_on_are_counted_and_told_and_the_others_go_on() -> None:
    async with Gathering().running() as gathering:

        def fail_on_bad(batch: SpanBatch) -> None:
            if any(span.name == b"bad" for group in batch.groups for span in map(parsed, group.spans)):
                raise OverflowError("too long")

        await gathering.take(body_of(FEWEST_SPANS))
        await gathering.gather.flush()
        gathering.fate = fail_on_bad
        await gathering.take(body_of(PART_SPANS - 1, "a") + body_of(1, "bad"))
        await gathering.take(body_of(PART_SPANS, "b"))
        await gathering.clock.advance(GATHER_SECONDS)
        await gathering.take(body_of(1, "c"))
        await gathering.clock.advance(GATHER_SECONDS)
    assert gathering.count("failed_spans") == PART_SPANS
    assert gathering.events.seen == [SpansFailed(PART_SPANS, "OverflowError: too long")]
    assert gathering.batches[2:] == [["b"] * PART_SPANS, ["c"]]
    assert gathering.free_bytes == 64 * MIB


async def test_requests_in_json_and_protobuf_are_one_batch() -> None:
    async with Gathering().running() as gathering:
        await gathering.take(body_of(1, "a"))
        await gathering.take(json_of(1, "b"), json=True)
        await gathering.take(body_of(1, "c"))
        await gathering.clock.advance(GATHER_SECONDS)
        assert gathering.batches == [["a", "b", "c"]]


async def test_where_the_sink_is_slow_it_gets_parts_that_take_a_step() -> None:
    async with Gathering().running() as gathering:
        gathering.fate = lambda batch: gathering.clock.pass_by(2e-5 * len(batch))
        for _ in range(2):
            await gathering.take(body_of(600))
        await gathering.gather.flush()
        assert sum(gathering.sizes) == 1200
        assert max(gathering.sizes[1:]) <= STEP_SECONDS / 2e-5
        gathering.fate = lambda batch: gathering.clock.pass_by(1.0 * len(batch))
        await gathering.take(body_of(600))
        await gathering.gather.flush()
        assert gathering.sizes[-1] <= FEWEST_SPANS


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.sampled_from([0, 1000, GATHER_BYTES, MIB]), st.sampled_from([0.0, 0.03, 1])),
        max_size=8,
    )
)
async def test_each_span_comes_once_and_in_order_whatever_comes_when(requests: list[Any]) -> None:
    gathering = Gathering()
    async with gathering.running():
        for number, (count, size, seconds) in enumerate(requests):
            await gathering.take(body_of(count, str(number)), size=size)
            await gathering.clock.advance(seconds)
    expected = [str(number) for number, (count, _, _) in enumerate(requests) for _ in range(count)]
    assert [name for batch in gathering.batches for name in batch] == expected
    assert gathering.free_bytes == 64 * MIB
    assert gathering.count("spans") == len(expected)
