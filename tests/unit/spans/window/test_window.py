"""Spans come in any sequence, in any batches, with any ids: each is judged once, and belongs to what it is below."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.spans.queries.config import NPlusOneConfig
from sidecar.spans.queries.query import Query
from sidecar.spans.window import kinship
from sidecar.spans.window.due import DueSpans, Why
from sidecar.spans.window.rows import Objects, Places, SpanRows, Words
from sidecar.spans.window.statements import statements_of
from sidecar.spans.window.window import MOST_SPANS, WAIT_SECONDS, Window
from tests.unit.spans.window.naive import Sent, nearest_above, root_of

GRACE = NPlusOneConfig().grace_seconds
QUERIES = {name: Query("shop", system, name, 0) for name, system in (("a", "x"), ("b", "x"), ("c", "y"))}


class Seen:
    """Judge that notes of each span, which is known by how long it took, what it belongs to."""

    def __init__(self) -> None:
        self.root: dict[float, float | None] = {}
        self.times: Counter[float] = Counter()
        self.statements: set[float] = set()
        self.requests: dict[float, bytes | None] = {}
        self.why: Counter[Why] = Counter()
        self.largest = 0

    def judge(self, due: DueSpans, now: float) -> None:
        seconds = due.rows.seconds
        self.largest = max(self.largest, len(seconds))
        self.statements |= set(seconds[statements_of(due)].tolist())
        for place, took in enumerate(seconds.tolist()):
            self.times[took] += 1
            top = int(due.tops[place])
            self.root[took] = None if top < 0 else float(seconds[top])
            request = due.requests[due.request[place]] if due.request[place] >= 0 else None
            self.requests[took] = request and bytes(str(request.what), "ascii")
            self.why[due.why] += request is None


def rows_of(spans: Sequence[Sent]) -> tuple[SpanRows, Words, Words]:
    """Return `spans` as rows; trace ids begin alike."""

    def objects(values: Iterator[object]) -> Objects:
        column = np.empty(len(spans), np.object_)
        column[:] = [*values]
        return column

    count = len(spans)
    queries = [QUERIES.get(span.query) for span in spans]
    rows = SpanRows(
        slot=np.empty(0, np.int64),
        span_id=np.array([span.span for span in spans], np.uint64),
        parent_id=np.array([span.parent for span in spans], np.uint64),
        start_nano=np.zeros(count, np.uint64),
        seconds=np.array([span.seconds for span in spans]),
        weight=np.ones(count),
        kind=np.ones(count, np.uint8),
        is_root=np.array([span.is_root for span in spans], np.bool_),
        is_call=np.array([query is not None for query in queries], np.bool_),
        scope=np.zeros(count, np.int64),
        fails=np.zeros(count, np.bool_),
        what=objects(str(span.seconds).encode() for span in spans),
        service=objects("shop" for _ in spans),
        query=objects(iter(queries)),
        failure=objects(None for _ in spans),
    )
    high = np.array([span.trace and 7 for span in spans], np.uint64)
    return rows, high, np.array([span.trace for span in spans], np.uint64)


def window(seen: Seen, **settings: float) -> Window:
    config = NPlusOneConfig.model_validate(settings)
    subject = Window(lambda: config)
    subject.tell(seen)
    return subject


def send(subject: Window, spans: Sequence[Sent], now: float) -> None:
    subject.add(*rows_of(spans), now)


def finish(subject: Window, now: float) -> None:
    while subject.tick(now):
        pass


@st.composite
def traces(draw: st.DrawFn) -> list[Sent]:
    """Return spans of a few traces: trees, some with holes, circles, ids that come twice, or none."""
    spans: list[Sent] = []
    for trace in range(draw(st.integers(1, 4))):
        for number in range(1, draw(st.integers(1, 15)) + 1):
            parent = draw(st.integers(0, number - 1)) if draw(st.integers(0, 9)) else draw(st.integers(0, 20))
            span = number if draw(st.integers(0, 14)) else draw(st.integers(0, 20))
            is_root = not parent or draw(st.integers(0, 7)) == 0
            query = draw(st.sampled_from(["", "", "a", "b", "c"]))
            spans.append(Sent(trace, span, parent, is_root, len(spans) + 1.0, query))
    return draw(st.permutations(spans))


def weak_keys(slots: Places, ids: Words) -> Words:
    return (ids % np.uint64(3)) + slots.astype(np.uint64) * np.uint64(0)


@pytest.mark.parametrize("keys", [kinship._keys, weak_keys])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=traces(), parts=st.integers(1, 5))
def test_each_span_is_judged_once_and_belongs_to_what_it_is_below(
    keys: object, monkeypatch: pytest.MonkeyPatch, spans: list[Sent], parts: int
) -> None:
    monkeypatch.setattr(kinship, "_keys", keys)
    seen = Seen()
    subject = window(seen)
    for number in range(parts):
        send(subject, spans[number::parts], 1000.0 + number / 10)
    finish(subject, 1001.0 + WAIT_SECONDS + GRACE)
    arrived = [span for number in range(parts) for span in spans[number::parts]]
    known = [span for span in arrived if span.trace]
    assert seen.times == {span.seconds: 1 for span in spans}
    assert subject.spans == 0
    for span in spans:
        root = root_of(span, known) if span.trace else span if span.is_root else None
        assert seen.root[span.seconds] == (root and root.seconds)
    calls = [span for span in known if span.query]
    around = [(inner, nearest_above(inner, calls, known)) for inner in calls]
    wrappers = {
        outer.seconds for inner, outer in around if outer and QUERIES[inner.query].system == QUERIES[outer.query].system
    }
    expected = {span.seconds for span in spans if span.query and span.seconds not in wrappers}
    assert seen.statements == expected


def chain(trace: int, length: int, first: float = 1.0) -> list[Sent]:
    return [Sent(trace, n + 1, n, n == 0, first + n, "a" if n == length - 1 else "") for n in range(length)]


def test_a_chain_of_any_depth_leads_up_to_its_root() -> None:
    seen = Seen()
    subject = window(seen)
    send(subject, chain(1, 5000)[::-1], 1000.0)
    finish(subject, 1000.0 + GRACE)
    assert set(seen.root.values()) == {1.0}


def test_spans_that_come_after_their_request_was_judged_belong_to_it() -> None:
    seen = Seen()
    subject = window(seen)
    send(subject, chain(1, 3), 1000.0)
    finish(subject, 1000.0 + GRACE)
    send(subject, [Sent(1, 9, 2, is_root=False, seconds=50.0)], 1030.0)
    assert 50.0 not in seen.times
    finish(subject, 1030.0 + GRACE)
    assert (seen.root[50.0], seen.requests[50.0]) == (None, bytes(str(b"1.0"), "ascii"))


def test_spans_below_no_root_wait_for_it() -> None:
    seen = Seen()
    subject = window(seen)
    send(subject, chain(1, 3), 1000.0)
    send(subject, [Sent(1, 20, 19, is_root=False, seconds=50.0)], 1001.0)
    finish(subject, 1000.0 + GRACE + 2)
    assert (50.0 in seen.times, subject.spans) == (False, 1)
    send(subject, [Sent(1, 19, 18, is_root=True, seconds=51.0)], 1030.0)
    finish(subject, 1030.0 + GRACE)
    assert seen.root[50.0] == 51.0


def test_without_room_traces_are_judged_early_and_memory_stays() -> None:
    seen = Seen()
    subject = window(seen, max_pending_spans=1000)
    for trace in range(1, 500):
        send(subject, chain(trace, 10, first=trace * 10.0), 1000.0)
        assert subject.spans <= 1010
    assert len(subject._table.spans) < 1000
    assert subject.early > 300
    assert sum(seen.times.values()) == len(seen.times)
    assert seen.largest <= 3000


def test_many_small_bodies_are_few_batches() -> None:
    seen = Seen()
    subject = window(seen, max_pending_spans=1000)
    for trace in range(1, 2000):
        send(
            subject, [*chain(trace, 1, trace * 2.0), Sent(trace, 9, 8, is_root=False, seconds=trace * 2.0 + 1)], 1000.0
        )
    assert len(subject._batches) < 100
    finish(subject, 1001.0 + WAIT_SECONDS + GRACE)
    assert set(seen.times.values()) == {1}
    assert len(seen.times) == 2 * 1999


def test_a_flood_of_requests_is_judged_in_steps_within_one_interval() -> None:
    seen = Seen()
    subject = window(seen)
    for trace in range(1, 3001):
        send(subject, chain(trace, 20, first=trace * 20.0), 1000.0)
    finish(subject, 1000.0 + GRACE)
    assert sum(seen.times.values()) == 60_000
    assert seen.largest <= 3000


def test_a_trace_that_is_too_large_is_cut_and_all_of_it_counted_once() -> None:
    seen = Seen()
    subject = window(seen)
    spans = [Sent(1, number, 1, is_root=False, seconds=float(number)) for number in range(2, MOST_SPANS + 500)]
    for first in range(0, len(spans), 1000):
        send(subject, spans[first : first + 1000], 1000.0)
    send(subject, [Sent(1, 1, 0, is_root=True, seconds=1.0)], 1000.0)
    finish(subject, 1000.0 + GRACE)
    assert set(seen.times.values()) == {1}
    assert len(seen.times) == len(spans) + 1
    assert seen.why == {Why.NO_ROOT: 0, Why.TRACE_TOO_LARGE: len(spans) - MOST_SPANS}


@pytest.mark.parametrize("hostile", ["one", "none", "structured", "equal keys"])
def test_hostile_ids_are_judged_rightly(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if hostile == "equal keys":
        monkeypatch.setattr(kinship, "_keys", weak_keys)
    factor, first = {"one": (0, 1), "none": (0, 0), "structured": (1 << 40, 0), "equal keys": (1, 0)}[hostile]
    spans = [
        Sent(1 + number % 3, factor * number + first, 0, is_root=True, seconds=float(number))
        for number in range(1, 3000)
    ]
    seen = Seen()
    subject = window(seen)
    chance = random.Random(1)
    chance.shuffle(spans)
    send(subject, spans, 1000.0)
    finish(subject, 1000.0 + GRACE)
    assert seen.root == {span.seconds: span.seconds for span in spans}
