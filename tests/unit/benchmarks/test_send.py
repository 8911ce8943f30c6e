"""Sending at a pace, and the upstream that counts what is sent on."""

import asyncio
import gzip
from collections.abc import Sequence

import pytest

from benchmarks.loads.body import Body
from benchmarks.loads.otlp import Load
from benchmarks.loads.send import Pace, Ports, Sender
from benchmarks.loads.shop.traffic import requests
from benchmarks.loads.upstream import Upstream
from benchmarks.otlp import Result, heading, row_of

LOAD = Load(100, 20, "protobuf", is_forwarded=True)


@pytest.fixture
def few_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Sequence[Body] = [Body(request, is_json=False) for request in requests(3, 100, 20)]
    monkeypatch.setattr(Load, "bodies", lambda _: made)


@pytest.mark.usefixtures("few_bodies")
@pytest.mark.parametrize("way", ["protobuf", "protobuf, gzip"])
async def test_what_is_sent_arrives_and_is_counted_in_spans(way: str) -> None:
    upstream = Upstream()
    async with await upstream.listen(0) as server:
        ports = Ports(http=server.sockets[0].getsockname()[1], grpc=0)
        load = Load(100, 20, way, is_forwarded=True)  # type: ignore[arg-type]  # a parameter of a test is a str
        sent = await Sender(load, ports, spans_per_second=10_000, connections=2).send(0.1)
    assert (sent.due, sent.accepted, sent.refused, sent.held_ratio) == (10, 10, 0, 1)
    assert upstream.spans == 1000


@pytest.mark.usefixtures("few_bodies")
async def test_no_trace_is_sent_twice() -> None:
    sender = Sender(LOAD, Ports(0, 0), 1000, 1)
    assert len({sender.next_body() for _ in range(30)}) == 30


def test_the_upstream_refuses_what_it_could_not_count() -> None:
    with pytest.raises(ValueError, match="zstd"):
        Upstream().take(b"", b"zstd")


async def test_a_request_in_pieces_is_counted_once() -> None:
    body = gzip.compress(Body(next(requests(1, 100, 4)), is_json=False).version(1, 10**18))
    head = f"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    upstream = Upstream()
    async with await upstream.listen(0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for _ in range(2):
            for piece in ((head + body)[:20], (head + body)[20 : len(head) + 5], body[5:]):
                writer.write(piece)
                await writer.drain()
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert (upstream.spans, upstream.bytes) == (200, 2 * len(body))


async def test_all_moments_come_once_however_many_share_them() -> None:
    pace = Pace(per_second=1000, seconds=0.05, patience_seconds=10)
    taken: list[int] = []

    async def worker() -> None:
        taken.extend([number async for number in pace.moments()])

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(worker())
    assert sorted(taken) == list(range(50))


async def test_who_is_too_slow_for_the_pace_is_not_given_all_of_it() -> None:
    pace = Pace(per_second=1000, seconds=0.02, patience_seconds=0.05)
    taken = 0
    async for _ in pace.moments():
        taken += 1
        await asyncio.sleep(0.015)
    assert taken < pace.count


def result(receiver: str, cpu: float, held: float = 1.0, refused: int = 0, forwarded: float | None = 1.0) -> Result:
    return Result(receiver, LOAD.name, 100, cpu, 120.4, refused, held, forwarded)


def test_a_row_shows_both_and_their_ratio() -> None:
    receivers = ["sidecar", "rotel"]
    row = row_of(LOAD, receivers, [result("sidecar", 8), result("rotel", 4, forwarded=0.993)])
    assert row.removeprefix(LOAD.name).split() == ["8.00", "4.00", "2.00", "120", "120", "100.0%", "99.3%"]
    assert {len(line) for line in (*heading(receivers), row)} == {len(row)}


def test_what_was_not_measured_is_a_dash() -> None:
    row = row_of(LOAD, ["sidecar", "rotel"], [result("sidecar", 8, forwarded=None)])
    assert row.removeprefix(LOAD.name).split() == ["8.00", "-", "-", "120", "-", "-", "-"]


@pytest.mark.parametrize(
    ("measured", "problems"),
    [
        (result("rotel", 4, forwarded=0.991), []),
        (result("rotel", 4, forwarded=0.08), ["rotel sent 8.0% on"]),
        (result("rotel", 4, held=0.8, forwarded=None), ["rotel took 80.0% of what was due"]),
        (result("rotel", 4, refused=3), ["rotel refused 3 requests"]),
    ],
)
def test_a_row_says_why_it_cannot_be_compared(measured: Result, problems: list[str]) -> None:
    assert list(measured.problems()) == problems
