"""Running a sender: queue, batches, attempts, and what is counted and told of them."""

import asyncio

import pytest

from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.model.span import SpanKind
from tests.fakes import Panic, settle, until
from tests.unit.deliver.receiving import NEVER, PostFailing, Posting, PostRecovered


async def test_items_are_sent_in_order_and_in_batches() -> None:
    posting = Posting()
    async with posting.running():
        posting.accept(1, 2, 3)
        await posting.until_sent(3)
    assert posting.office.batches == [[1, 2], [3]]
    assert posting.events.seen == []


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (Delivered(), 0),
        (Delivered(refused=1), 1),
        (Rejected("no"), 2),
        (Retry("later"), 2),
        (KeyError("a bug"), 2),
        (Panic("a bug in Rust"), 2),
        (asyncio.CancelledError(), 2),
    ],
    ids=["delivered", "delivered in part", "rejected", "in vain", "a bug", "a panic", "cancelled by something else"],
)
async def test_whatever_becomes_of_a_batch_is_counted_once_and_the_next_one_is_sent(
    answer: Outcome | BaseException, lost: int
) -> None:
    posting = Posting(answer)
    async with posting.running():
        posting.accept(1, 2)
        await posting.until_sent(2)
        assert posting.counts() == (2, lost, lost)
        posting.accept(3, 4)
        await posting.until_sent(4)
    assert posting.office.batches == [[1, 2], [3, 4]]
    assert posting.counts() == (4, lost, lost)


async def test_failing_and_recovering_are_told_once_with_all_that_was_lost() -> None:
    posting = Posting(Rejected("no"), Retry("later"), Delivered(), Delivered())
    async with posting.running():
        posting.accept(1, 2, 3, 4, 5, 6, 7)
        await posting.until_sent(7)
    assert posting.events.seen == [PostFailing("main", "no"), PostRecovered("main", 4)]


async def test_counters_begin_at_zero_and_the_queue_is_shown() -> None:
    posting = Posting()
    assert posting.counts() == (0, 0, 0)
    posting.accept(1, 2, 3)
    assert (posting.count("queue_length"), posting.count("queue_capacity")) == (3, 10)
    assert posting.registry.get_sample_value("sidecar_parcels_redirects_total", {"post": "main"}) == 0


async def test_of_a_full_queue_the_oldest_are_dropped_and_counted() -> None:
    posting = Posting(queue_capacity=3, batch_size=10)
    posting.accept(1, 2, 3, 4, 5)
    assert posting.counts() == (0, 0, 2)
    async with posting.running():
        await posting.until_sent(3)
    assert posting.office.batches == [[3, 4, 5]]


async def test_an_attempt_that_does_not_end_costs_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.deliver.sender.GRACE_SECONDS", 0.0)
    posting = Posting(NEVER, timeout_seconds=0.02)
    async with posting.running():
        posting.accept(1, 2, 3)
        await posting.until_sent(3)
    assert posting.counts() == (3, 2, 2)
    assert posting.events.seen[0] == PostFailing("main", "not done within 0.02 s")


async def test_with_a_single_try_nothing_waits_whatever_the_receiver_asks() -> None:
    posting = Posting(Retry("later", 3600), Retry("later"))
    async with posting.running():
        posting.accept(1, 2, 3, 4, 5)
        await posting.until_sent(5)
    assert posting.office.batches == [[1, 2], [3, 4], [5]]
    assert posting.clock.sleeping == 0


async def test_a_batch_is_sent_again_when_the_receiver_said_and_lost_to_nobody() -> None:
    posting = Posting(Retry("busy", 30), tries=3)
    async with posting.running():
        posting.accept(1, 2)
        await until(lambda: posting.clock.sleeping == 1)
        await posting.clock.advance(29)
        assert posting.office.batches == [[1, 2]]
        await posting.clock.advance(1)
        await posting.until_sent(2)
    assert posting.office.batches == [[1, 2], [1, 2]]
    assert posting.counts() == (2, 0, 0)
    assert posting.events.seen == [PostFailing("main", "busy"), PostRecovered("main", 0)]


async def test_a_batch_is_given_up_after_its_tries_and_the_next_one_keeps_the_pace() -> None:
    posting = Posting(Retry("1"), Retry("2"), tries=2)
    async with posting.running():
        posting.accept(1, 2, 3)
        await until(lambda: posting.clock.sleeping == 1)
        await posting.clock.advance(2)
        await posting.until_sent(2)
        await settle()
        assert posting.office.batches == [[1, 2], [1, 2]]
        assert posting.counts() == (2, 2, 2)
        await posting.clock.advance(30)
        await posting.until_sent(3)
    assert posting.office.batches[2:] == [[3]]
    assert posting.events.seen == [PostFailing("main", "1"), PostRecovered("main", 2)]


async def test_what_is_refused_for_good_is_not_tried_again() -> None:
    posting = Posting(Rejected("no"), tries=5)
    async with posting.running():
        posting.accept(1, 2, 3)
        await posting.until_sent(3)
    assert posting.office.batches == [[1, 2], [3]]


async def test_at_the_end_what_waits_is_sent_and_so_is_the_batch_under_way() -> None:
    posting = Posting(NEVER)
    async with posting.running():
        posting.accept(1, 2, 3)
        await posting.until_tried(1)
    assert posting.office.batches == [[1, 2], [1, 2], [3]]
    assert posting.counts() == (3, 0, 0)


async def test_at_the_end_a_batch_that_waits_for_its_next_try_gets_it_at_once() -> None:
    posting = Posting(Retry("busy", 300), Retry("busy", 300), tries=9)
    async with posting.running():
        posting.accept(1, 2, 3)
        await until(lambda: posting.clock.sleeping == 1)
    assert posting.office.batches == [[1, 2], [1, 2], [3]]
    assert posting.counts() == (3, 2, 2)


async def test_the_end_takes_no_longer_than_its_budget_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.deliver.sender.DRAIN_SECONDS", 0.02)
    posting = Posting(NEVER, Delivered(), NEVER)
    async with asyncio.timeout(3), posting.running():
        posting.accept(1, 2, 3, 4, 5)
        await posting.until_tried(1)
    assert posting.office.batches == [[1, 2], [1, 2], [3, 4]]
    assert posting.counts() == (2, 0, 3)


async def test_what_comes_after_the_end_is_counted_and_stopping_twice_is_harmless() -> None:
    posting = Posting()
    async with posting.running() as tier:
        await tier.stop("post/main")
        posting.accept(1, 2)
        await tier.stop("post/main")
    assert posting.office.batches == []
    assert posting.counts() == (0, 0, 2)
    assert posting.count("queue_length") == 0


async def test_one_that_was_stopped_can_run_again() -> None:
    posting = Posting()
    async with posting.running():
        pass
    async with posting.running():
        posting.accept(1)
        await posting.until_sent(1)
    assert posting.counts() == (1, 0, 0)


async def test_each_attempt_is_a_span_and_one_in_vain_marks_it() -> None:
    posting = Posting(Retry("busy"), Rejected("no"), batch_size=1)
    async with posting.running():
        posting.accept(1, 2, 3)
        await posting.until_sent(3)
    spans = posting.tracing.spans
    assert {(span.name, span.kind, span.ended) for span in spans} == {("deliver parcels", SpanKind.CLIENT, True)}
    assert [span.error for span in spans] == [("retry", "busy"), ("rejected", "no"), None]
