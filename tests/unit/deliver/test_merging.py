"""Several bodies in one request to the upstream: which, how much of them, and what becomes of a bad one among them."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sidecar.codec.otlp.answers import exported
from sidecar.deliver.entry import NO_TRIES, Entry, Tries
from sidecar.deliver.merging import Merging, take_along
from sidecar.deliver.otlp import MOST_TRIES, TRIES_IN_A_ROW
from sidecar.model.forward import JSON, PROTOBUF, SIGNALS, ForwardBody
from tests.fakes import until
from tests.unit.deliver.upstreams import FakeUpstream, Forwarding, answering, body_of, hidden
from tests.unit.receive.served import body_of as request_of

Serve = Callable[[web.Application], Awaitable[TestServer]]
SOON = Merging(max_bytes=100, max_bodies=50, wait_seconds=0.05)
NOT_SOON = SOON._replace(wait_seconds=60.0)
ROOM: dict[str, Any] = {"queue_max_bytes": 10_000, "spill_max_bytes": 100_000}


def refusing(bad: bytes, status: int) -> Any:
    """Answer with `status` to whatever has `bad` in it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status if bad in await request.read() else 200)

    return answer


async def test_what_comes_soon_after_each_other_is_one_request(upstream: FakeUpstream, url: str) -> None:
    bodies = [request_of(2, "a"), request_of(1, "b"), request_of(3, "c")]
    async with Forwarding(endpoint=url, merging=SOON._replace(max_bytes=10_000)).running() as forwarding:
        for body in bodies:
            forwarding.forwarder.accept(ForwardBody("traces", PROTOBUF, body))
        await forwarding.until("sent_requests_total", 3)
    (taken,) = upstream.taken
    message = ExportTraceServiceRequest.FromString(taken)
    names = [span.name for group in message.resource_spans for span in group.scope_spans[0].spans]
    assert names == list("aabccc")
    assert forwarding.count("attempts_total") == 1
    assert forwarding.count("sent_bytes_total") == sum(map(len, bodies))


async def test_a_whole_request_waits_for_nothing_more(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, merging=NOT_SOON).running() as forwarding:
        forwarding.accept(*(f"{number:02}" * 10 for number in range(12)))
        await forwarding.until("sent_requests_total", 10)
        assert sorted(upstream.taken) == [
            b"".join(b"%02d" % number * 10 for number in numbers) for numbers in (range(5), range(5, 10))
        ]
        assert forwarding.count("queue_requests", None) == 2


async def test_a_queue_that_fills_up_waits_for_nothing_more(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, queue_max_requests=4, merging=NOT_SOON).running() as forwarding:
        forwarding.accept(*"123")
        await forwarding.until("sent_requests_total", 3)
    assert upstream.taken == [b"123"]


async def test_each_signal_is_a_request_of_its_own_and_json_goes_alone(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, max_concurrent_requests=1, merging=SOON).running() as forwarding:
        for number in range(3):
            for signal in SIGNALS:
                forwarding.accept(f"{signal[0]}{number} ", signal=signal)
        forwarding.forwarder.accept(body_of("{}", content_type=JSON))
        forwarding.forwarder.accept(body_of("[]", content_type=JSON))
        for signal, count in (("traces", 5), ("metrics", 3), ("logs", 3)):
            await forwarding.until("sent_requests_total", count, signal)
    assert upstream.taken == [b"t0 t1 t2 ", b"m0 m1 m2 ", b"l0 l1 l2 ", b"{}", b"[]"]
    assert [path for path, _ in upstream.requests] == [f"/v1/{name}" for name in (*SIGNALS, "traces", "traces")]


@pytest.mark.parametrize("status", [400, 413, 500])
async def test_a_bad_body_loses_only_itself(upstream: FakeUpstream, url: str, status: int) -> None:
    upstream.answer = refusing(b"x", status)
    async with Forwarding(endpoint=url, max_concurrent_requests=1, merging=SOON).running() as forwarding:
        forwarding.accept(*"123x56")
        await forwarding.until("sent_requests_total", 5)
        await forwarding.until("failed_requests_total", 1, reason="rejected")
    assert upstream.taken == [b"123x56", b"123", b"x56", b"x", b"56"]
    assert forwarding.count("retried_requests_total") == 0
    assert forwarding.said() == ["ForwardGivenUp"]


async def test_an_upstream_that_refuses_everything_is_told_of_each_body(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(401)
    async with Forwarding(endpoint=url, merging=SOON).running() as forwarding:
        forwarding.accept(*"1234567")
        await forwarding.until("failed_requests_total", 7, reason="rejected")
        assert (forwarding.count("queue_requests", None), forwarding.count("queue_bytes", None)) == (0, 0)


async def test_what_was_left_out_is_counted_once(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(200, exported(3, "too old"))
    async with Forwarding(endpoint=url, merging=SOON).running() as forwarding:
        forwarding.accept(*"1234")
        await forwarding.until("sent_requests_total", 4)
    assert (forwarding.count("refused_items_total"), forwarding.said()) == (3, ["ForwardPartlyRefused"])


async def test_what_went_in_vain_together_goes_alone_and_one_that_cannot_be_digested_holds_up_no_other(
    upstream: FakeUpstream, url: str
) -> None:
    upstream.answer = refusing(b"x", 503)
    async with Forwarding(endpoint=url, max_concurrent_requests=1, merging=SOON).running() as forwarding:
        forwarding.accept(*"x12")
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 2)
        assert upstream.taken[: TRIES_IN_A_ROW + 2] == [b"x12"] + [b"x"] * (TRIES_IN_A_ROW - 1) + [b"1", b"2"]
        await forwarding.pass_until(lambda: upstream.taken.count(b"x") == MOST_TRIES - 2)
        forwarding.accept("3", "4")
        await forwarding.pass_until(lambda: forwarding.count("failed_requests_total", reason="retries") == 1)
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 4)


async def test_after_an_outage_all_that_waits_comes_once(upstream: FakeUpstream, url: str) -> None:
    upstream.answer = answering(503)
    texts = [f"{number:02} " for number in range(60)]
    async with Forwarding(endpoint=url, merging=SOON).running() as forwarding:
        forwarding.accept(*texts)
        await forwarding.pass_until(lambda: bool(forwarding.count("retried_requests_total")))
        upstream.requests.clear()
        upstream.answer = None
        await forwarding.pass_until(lambda: forwarding.count("sent_requests_total") == 60)
    assert sorted(b"".join(upstream.taken).split()) == [text.strip().encode() for text in texts]
    assert len(upstream.taken) < 60


async def test_the_limits_of_the_queue_are_those_of_single_bodies(upstream: FakeUpstream, url: str) -> None:
    forwarding = Forwarding(endpoint=url, queue_max_bytes=5, merging=SOON)
    forwarding.accept(*"12345678")
    assert forwarding.count("dropped_requests_total", reason="queue_full") == 3
    assert (forwarding.count("queue_requests", None), forwarding.count("queue_bytes", None)) == (5, 5)
    async with forwarding.running():
        await forwarding.until("sent_requests_total", 5)
    assert upstream.taken == [b"45678"]


async def test_what_is_on_disk_is_merged_too_and_comes_before_what_came_after_it(
    upstream: FakeUpstream, url: str, tmp_path: Path
) -> None:
    upstream.answer = answering(503)
    settings: dict[str, Any] = {"endpoint": url, "max_concurrent_requests": 1, **ROOM}
    async with Forwarding(tmp_path / "state.db", merging=SOON, **settings).running() as forwarding:
        forwarding.accept(*(f"{number:02} " for number in range(20)))
        await forwarding.pass_until(lambda: forwarding.count("spilled_requests_total") == 20)
    upstream.requests.clear()
    upstream.answer = None
    async with Forwarding(tmp_path / "state.db", merging=SOON, **settings).running() as again:
        again.clock.pass_by(1)  # ids grow with time
        again.accept("20 ", "21 ")
        await again.pass_until(lambda: again.count("sent_requests_total") == 22)
        assert again.count("spill_bytes", None) == 0
    assert b"".join(upstream.taken).split() == [b"%02d" % number for number in range(22)]
    assert len(upstream.taken) <= 3


async def test_a_merged_body_is_sent_masked(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, redact=True, merging=SOON).running() as forwarding:
        forwarding.accept("secret 1 ", "broken", "secret 2 ")
        await forwarding.until("sent_requests_total", 2)
    assert upstream.taken == [b"*** 1 *** 2 "]
    assert forwarding.count("failed_requests_total", reason="unreadable") == 1


async def test_what_waits_at_shutdown_goes_together(upstream: FakeUpstream, url: str) -> None:
    async with Forwarding(endpoint=url, merging=NOT_SOON).running() as forwarding:
        forwarding.accept("{", signal="logs")
        forwarding.accept(*"1234")
        await until(lambda: forwarding.count("queue_requests", None) == 5)
    assert upstream.taken == [b"{", b"1234"]
    assert forwarding.count("dropped_requests_total", reason="shutdown") == 0


def entry_of(number: int, signal: Any, size: int, kind: str) -> Entry:
    body = ForwardBody(signal, JSON if kind == "json" else PROTOBUF, bytes(size))
    if kind == "masked":
        body = hidden(body)
    return Entry(number, body, 0.0, Tries(1, 0.0) if kind == "tried" else NO_TRIES)


ENTRIES = st.builds(
    entry_of,
    st.integers(),
    st.sampled_from(SIGNALS),
    st.integers(0, 60),
    st.sampled_from(["plain", "plain", "plain", "json", "masked", "tried"]),
)


def numbers_of(entries: Sequence[Entry], signal: str) -> list[int]:
    return [id(entry) for entry in entries if entry.body.signal == signal]


@given(ENTRIES, st.lists(ENTRIES, max_size=100), st.integers(0, 300), st.integers(0, 20))
def test_what_goes_along_fits_and_none_is_lost_or_overtaken(
    first: Entry, entries: list[Entry], max_bytes: int, max_bodies: int
) -> None:
    line = deque(entries)
    taken = take_along(first, line, max_bytes, max_bodies)
    assert len(taken) <= max_bodies
    assert sum(entry.size for entry in taken) <= max_bytes
    assert all(entry.body[:2] == (first.body.signal, PROTOBUF) and not entry.tries.number for entry in taken)
    assert all(entry.body.is_masked == first.body.is_masked for entry in taken)
    for signal in SIGNALS:
        assert numbers_of([*taken, *line], signal) == numbers_of(entries, signal)
