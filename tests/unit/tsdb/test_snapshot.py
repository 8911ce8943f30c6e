"""A snapshot shows the head as it was at one moment: whole batches only, whatever comes while it is taken or read."""

import re
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import SeriesBlock
from sidecar.model.steps import Steps, finished
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head

FAMILY = Family("x", MetricType.GAUGE, "A number.")
SELECTORS = (
    (Matcher("__name__", MatchOp.EQUAL, "x"),),
    (Matcher("__name__", MatchOp.EQUAL, "x"), Matcher("i", MatchOp.REGEX, ".*[02468]")),
    (Matcher("__name__", MatchOp.REGEX, "x|y"), Matcher("i", MatchOp.NOT_EQUAL, "1")),
)
FOREVER = 10**15

Cells = dict[tuple[Labels, int], bytes]
"""The bits of each cell, so that markers and NaN compare."""


def batch(source: str, tick: int, series: Sequence[int]) -> SampleBatch:
    samples = [Sample("x", labels_of({"i": f"{source}{index}"}), float(tick)) for index in series]
    return SampleBatch(source, tick * 1000, (), [FamilySamples(FAMILY, samples)])


def cells(blocks: Sequence[SeriesBlock]) -> Cells:
    return {
        (labels, time): np.float64(value).tobytes()
        for block in blocks
        for labels, row in zip(block.labels, block.values, strict=True)
        for time, value in zip(block.times.tolist(), row, strict=True)
    }


def seen(head: Head) -> list[Cells]:
    return [cells(head.select(selector, 0, FOREVER)) for selector in SELECTORS]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from("abc"), st.lists(st.integers(0, 700), max_size=12, unique=True)),
        st.tuples(st.just("many"), st.sampled_from("abc"), st.lists(st.integers(0, 700), max_size=1)),
        st.tuples(st.just("step"), st.sampled_from("abc"), st.just([])),
        st.tuples(st.just("snapshot"), st.just(""), st.just([])),
        st.tuples(st.just("take"), st.just(""), st.just([])),
    ),
    max_size=60,
)


class History:
    """A head that several writers and one reader use in turns."""

    def __init__(self) -> None:
        self.head = Head(HeadConfig(retention_seconds=60, max_series=5000))
        self.tick = 0
        self.writing: dict[str, Steps[int]] = {}
        self.reading: list[tuple[Steps[object], list[Cells]]] = []
        self.read: list[tuple[list[list[SeriesBlock]], list[Cells]]] = []

    def act(self, action: str, source: str, series: Sequence[int]) -> None:
        if action in ("start", "many"):
            self.tick += 1
            rows = range(600) if action == "many" else series
            self.writing[source] = self.head.accept_in_steps(batch(source, self.tick, rows))
        elif action == "step" and source in self.writing:
            if next(self.writing[source], "end") == "end":
                del self.writing[source]
        elif action == "snapshot":
            self.reading.append((self._reader(), seen(self.head)))
        elif action == "take":
            for steps, _ in self.reading:
                next(steps, None)

    def _reader(self) -> Steps[object]:
        steps, want = self.head.snapshot_in_steps(SELECTORS), seen(self.head)

        def run() -> Steps[object]:
            snapshot = yield from steps
            self.read.append(([list(snapshot.select(selector, 0, FOREVER)) for selector in SELECTORS], want))
            return None

        return run()


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_a_snapshot_is_what_a_selection_was_when_it_began_and_stays_so(
    actions: list[tuple[str, str, list[int]]],
) -> None:
    history = History()
    for action in actions:
        history.act(*action)
    for steps, _ in history.reading:
        finished(steps)
    for index in range(40):  # so that space is used up and series are taken out
        history.head.accept(batch("a", history.tick + 1 + index, [index]))
        history.head.accept(batch("b", history.tick + 90 + index, [index]))
    assert len(history.read) == len(history.reading)
    for blocks, want in history.read:
        assert [cells(found) for found in blocks] == want


def test_a_snapshot_has_a_new_series_with_all_others_of_its_batch_or_not_at_all() -> None:
    head = Head(HeadConfig())
    head.accept(batch("a", 1, range(10)))
    steps = head.snapshot_in_steps(SELECTORS)
    head.accept(batch("a", 2, range(1000)))
    snapshot = finished(steps)
    (block,) = snapshot.select(SELECTORS[0], 0, FOREVER)
    assert (len(block.labels), block.times.tolist()) == (10, [1000])
    (block,) = finished(head.snapshot_in_steps(SELECTORS)).select(SELECTORS[0], 0, FOREVER)
    assert (len(block.labels), block.times.tolist()) == (1000, [1000, 2000])


def test_taking_a_snapshot_copies_no_samples_and_asks_expressions_in_small_steps() -> None:
    head = Head(HeadConfig())
    head.accept(batch("a", 1, range(10_000)))
    steps = head.snapshot_in_steps(SELECTORS[1:2])
    assert sum(1 for _ in steps) >= 20
    snapshot = finished(head.snapshot_in_steps(SELECTORS[:1]))
    first, again = (snapshot.select(SELECTORS[0], 0, FOREVER)[0] for _ in range(2))
    assert np.shares_memory(first.values, again.values)
    assert snapshot.samples == 10_000


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "2", "12", "x"])), max_size=12),
    matchers=st.lists(
        st.builds(
            Matcher, st.sampled_from("ab"), st.sampled_from(MatchOp), st.sampled_from(["", "1", "1.*", ".+", "x|", "("])
        ).filter(lambda item: item.value != "(" or "~" not in item.op),
        min_size=1,
        max_size=3,
    ),
)
def test_rows_are_those_that_satisfy_every_matcher(rows: list[dict[str, str]], matchers: list[Matcher]) -> None:
    head = Head(HeadConfig())
    samples = [Sample("x", labels_of({**row, "n": str(index)}), 1.0) for index, row in enumerate(rows)]
    head.accept(SampleBatch("s", 1000, (), [FamilySamples(FAMILY, samples)]))
    found = {dict(labels)["n"] for block in head.select(matchers, 0, FOREVER) for labels in block.labels}
    assert found == {
        str(index) for index, row in enumerate(rows) if all(_satisfies(row.get(m.name, ""), m) for m in matchers)
    }


def _satisfies(text: str, matcher: Matcher) -> bool:
    if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL):
        return (text == matcher.value) is (matcher.op is MatchOp.EQUAL)
    return (re.fullmatch(matcher.value, text) is not None) is (matcher.op is MatchOp.REGEX)
