"""The head: what becomes of samples, gaps, vanished series and limits."""

import gc
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import Labels, labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import is_absent, is_stale
from sidecar.model.steps import STEP_SIZE, Steps
from sidecar.tsdb.block import Block
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import CLOCK_STEP_MS, Head

FAMILY = Family("x", MetricType.GAUGE, "A number.")
TARGET = labels_of({"job": "shop", "instance": "pod-1"})
SECOND = 1000


def batch(
    time_ms: int,
    values: Sequence[tuple[str, float]],
    source: str = "postgres/main",
    up: bool | None = None,
    target: Labels = TARGET,
) -> SampleBatch:
    samples = [Sample("x", labels_of({"a": name}), value) for name, value in values]
    return SampleBatch(source, time_ms, target, [FamilySamples(FAMILY, samples)], up)


def named(name: str, op: MatchOp = MatchOp.EQUAL) -> tuple[Matcher, ...]:
    return (Matcher("__name__", op, name),)


def series(head: Head, name: str = "x", start: int = 0, end: int = 10**15) -> dict[Labels, list[object]]:
    """Return each series' cells, with "stale" and None for the markers."""
    found = {}
    for block in head.select(named(name), start, end):
        values = np.asfortranarray(block.values)
        for labels, row, stale, absent in zip(block.labels, values, is_stale(values), is_absent(values), strict=True):
            cells = zip(row.tolist(), stale, absent, strict=True)
            found[labels] = ["stale" if s else None if a else value for value, s, a in cells]
    return found


def by_label(head: Head, label: str = "a") -> dict[str, list[object]]:
    return {dict(labels)[label]: cells for labels, cells in series(head).items()}


def head(**settings: int) -> Head:
    return Head(HeadConfig(**settings))


def test_a_series_carries_its_name_and_the_labels_of_its_target() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)]))
    assert list(series(store)) == [labels_of({"__name__": "x", "a": "1", "job": "shop", "instance": "pod-1"})]


def test_a_vanished_series_is_stale_at_once_and_absent_afterwards() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0), ("2", 6.0)]))
    store.accept(batch(2000, [("1", 5.0)]))
    store.accept(batch(3000, [("1", 5.0)]))
    assert by_label(store) == {"1": [5.0, 5.0, 5.0], "2": [6.0, "stale", None]}


def test_a_series_that_comes_back_goes_on_in_its_row() -> None:
    store = head()
    for time, values in ((1000, [("1", 5.0)]), (2000, []), (3000, [("1", 7.0)])):
        store.accept(batch(time, values))
    assert by_label(store) == {"1": [5.0, "stale", 7.0]}
    assert store.series_count == 1


def test_a_series_that_was_not_there_yet_is_absent() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)]))
    store.accept(batch(2000, [("1", 5.0), ("2", 6.0)]))
    assert by_label(store)["2"] == [None, 6.0]


def test_a_failed_scrape_ends_every_series_of_the_target_and_no_other() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)], source="postgres/main", up=True))
    store.accept(batch(1000, [("9", 5.0)], source="redis/main", up=True))
    store.accept(SampleBatch("postgres/main", 2000, TARGET, [], up=False))
    assert by_label(store) == {"1": [5.0, "stale"], "9": [5.0]}


def test_up_is_one_or_zero_and_names_the_target() -> None:
    store = head()
    store.accept(batch(1000, [], up=True))
    store.accept(batch(2000, [], up=False))
    labels = labels_of({"__name__": "up", "job": "shop", "instance": "pod-1", "target": "main"})
    assert series(store, "up") == {labels: [1.0, 0.0]}


def test_a_source_that_is_no_scraped_target_has_no_up() -> None:
    store = head()
    store.accept(batch(1000, [("1", 1.0)], source="self"))
    assert series(store, "up") == {}


def test_a_nan_of_the_user_is_a_value() -> None:
    store = head()
    store.accept(batch(1000, [("1", math.nan)]))
    store.accept(batch(2000, [("1", 1.0)]))
    first, second = by_label(store)["1"]
    assert isinstance(first, float)
    assert math.isnan(first)
    assert second == 1.0


def test_the_first_of_equal_samples_wins_and_the_others_are_counted() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0), ("2", 2.0), ("1", 6.0), ("1", 7.0)]))
    assert by_label(store) == {"1": [5.0], "2": [2.0]}
    assert store.duplicates_total == 2


def test_a_batch_that_is_not_newer_is_refused_whole() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)]))
    assert store.accept(batch(1000, [("1", 6.0), ("2", 6.0)])) == 2
    assert store.accept(batch(1000 - CLOCK_STEP_MS, [("1", 6.0)])) == 1
    assert store.refused_total == 3
    assert by_label(store) == {"1": [5.0]}


def test_series_over_the_cap_are_refused_and_known_ones_go_on() -> None:
    store = head(max_series=100)
    first = [(str(i), 1.0) for i in range(100)]
    assert store.accept(batch(1000, first)) == 0
    assert store.accept(batch(2000, [*first, ("new", 1.0), ("newer", 1.0)])) == 2
    assert store.series_count == 100
    assert store.refused_total == 2
    assert by_label(store)["99"] == [1.0, 1.0]


def test_the_cap_holds_while_series_come_and_go() -> None:
    store = head(max_series=100, retention_seconds=60)
    for scrape in range(200):
        values = [(str(scrape * 7 + number), 1.0) for number in range(7)]
        store.accept(batch(scrape * 5 * SECOND, values))
        store.accept(batch(scrape * 5 * SECOND, [(f"fixed{number}", 1.0) for number in range(20)], source="redis/main"))
        assert store.series_count == sum(store.series_by_source.values()) <= 100


def test_a_batch_over_the_cap_takes_what_forgotten_series_leave_and_no_more() -> None:
    store = head(max_series=100, retention_seconds=60)
    store.accept(batch(0, [(f"old{i}", 1.0) for i in range(60)]))
    store.accept(batch(1 * SECOND, [(f"kept{i}", 1.0) for i in range(30)], source="redis/main"))
    for second in range(30, 91, 30):
        store.accept(batch(second * SECOND, [("living", 1.0)]))
        store.accept(batch(second * SECOND + 1, [(f"kept{i}", 1.0) for i in range(30)], source="redis/main"))
    assert store.accept(batch(92 * SECOND, [("living", 1.0), *((f"new{i}", 1.0) for i in range(80))])) == 12
    assert store.series_count == 99  # one is spare for sources below their share


def test_room_is_looked_for_at_the_cap_once_until_samples_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Block] = []

    def look(block: Block) -> bool:
        looked.append(block)
        return False

    monkeypatch.setattr(Block, "has_empty_rows", property(look))
    store = head(max_series=100)
    full = [(str(number), 1.0) for number in range(100)]
    store.accept(batch(1000, full))
    store.accept(batch(2000, full))
    assert looked == []
    for number in range(5):
        store.accept(batch(3000 + number, [*full, (f"new{number}", 1.0)]))
    assert len(looked) == 1
    store.accept(batch(300_000, [*full, ("new", 1.0)]))
    assert len(looked) == 2


def test_samples_over_the_cap_are_counted_by_source_for_as_long_as_the_source_is_there() -> None:
    store = head(max_series=100, retention_seconds=60)
    store.accept(batch(1000, [(str(number), 1.0) for number in range(101)]))
    store.accept(batch(1000, [(str(number), 1.0) for number in range(52)], source="redis/main"))
    store.accept(batch(1000, [("1", 1.0)]))
    assert store.refused_by_source == {"postgres/main": 1, "redis/main": 2}
    assert store.shed_by_source == {"postgres/main": 50}
    store.accept(batch(100_000, [("1", 1.0)]))
    assert store.refused_by_source == store.shed_by_source == {}


def test_series_whose_samples_are_all_forgotten_make_room_under_the_cap() -> None:
    store = head(max_series=100, retention_seconds=60)
    store.accept(batch(0, [(f"old{i}", 1.0) for i in range(100)]))
    for second in range(10, 80, 10):
        store.accept(batch(second * SECOND, [("kept", 1.0)] if second > 70 else []))
    assert store.accept(batch(90 * SECOND, [(f"new{i}", 1.0) for i in range(100)])) == 0
    assert set(by_label(store)) == {f"new{i}" for i in range(100)}


@pytest.mark.parametrize("columns", [1, 31, 32, 33, 64, 65, 500])
def test_retention_drops_old_columns_and_compaction_loses_nothing_else(columns: int) -> None:
    store = head(retention_seconds=60)
    for second in range(columns):
        store.accept(batch(second * SECOND, [("1", float(second)), (f"short{second // 20}", 1.0)]))
    kept = list(range(max(0, columns - 61), columns))
    assert by_label(store)["1"] == [float(second) for second in kept]
    assert store.series_count <= 1 + (columns + 19) // 20


def test_blocks_handed_out_do_not_change_when_the_head_goes_on() -> None:
    store = head(retention_seconds=60)
    for second in range(30):
        store.accept(batch(second * SECOND, [("1", float(second))]))
    (block,) = store.select(named("x"), 0, 10**9)
    before = block.values.tolist()
    for second in range(30, 300):
        store.accept(batch(second * SECOND, [("1", -1.0), (str(second), -1.0)]))
    assert block.values.tolist() == before


def test_what_was_handed_out_cannot_be_written() -> None:
    store = head()
    store.accept(batch(1000, [("1", 1.0)]))
    (block,) = store.select(named("x"), 0, 10**9)
    with pytest.raises(ValueError, match="read-only"):
        block.values[0, 0] = 2.0


def test_select_returns_only_columns_in_the_asked_time() -> None:
    store = head()
    for second in range(10):
        store.accept(batch(second * SECOND, [("1", float(second))]))
    assert list(series(store, start=3000, end=5000).values()) == [[3.0, 4.0, 5.0]]
    assert series(store, start=20_000, end=30_000) == {}


def test_the_end_of_a_source_makes_all_its_series_stale() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)], up=True))
    store.end("postgres/main", 2000)
    assert by_label(store) == {"1": [5.0, "stale"]}
    store.end("never/seen", 2000)


def test_an_ended_source_is_forgotten_after_its_retention() -> None:
    store = head(retention_seconds=60)
    store.accept(batch(1000, [("1", 5.0)]))
    store.end("postgres/main", 2000)
    store.accept(batch(63_000, [("2", 5.0)], source="redis/main"))
    assert set(by_label(store)) == {"2"}
    assert store.series_count == 1


def test_a_source_may_be_kept_longer_than_the_others() -> None:
    store = head(retention_seconds=60)
    store.keep("rules/slo", 3600)
    store.accept(batch(0, [("1", 1.0)], source="rules/slo"))
    store.accept(batch(0, [("2", 1.0)], source="redis/main"))
    store.accept(batch(600_000, [("1", 2.0)], source="rules/slo"))
    assert by_label(store) == {"1": [1.0, 2.0]}


def test_other_target_labels_end_the_old_series_and_begin_new_ones() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)]))
    store.accept(batch(2000, [("1", 6.0)], target=labels_of({"job": "other"})))
    jobs = {dict(labels)["job"]: cells for labels, cells in series(store).items()}
    assert jobs == {"shop": [5.0, "stale"], "other": [None, 6.0]}


def test_target_labels_that_come_back_go_on_with_their_series() -> None:
    store = head()
    other = labels_of({"job": "other"})
    for time, target in ((1000, TARGET), (2000, other), (3000, TARGET), (4000, other)):
        store.accept(batch(time, [("1", float(time))], target=target))
    jobs = {dict(labels)["job"]: cells for labels, cells in series(store).items()}
    assert jobs == {"shop": [1000.0, "stale", 3000.0, "stale"], "other": [None, 2000.0, "stale", 4000.0]}
    assert store.series_count == 2


def test_samples_that_the_targets_labels_make_equal_are_duplicates() -> None:
    store = head()
    samples = [Sample("x", (("job", "a"),), 1.0), Sample("x", (("exported_job", "a"),), 2.0)]
    store.accept(SampleBatch("postgres/main", 1000, TARGET, [FamilySamples(FAMILY, samples)]))
    assert list(series(store).values()) == [[1.0]]
    assert store.duplicates_total == 1


def test_matchers_select_by_name_value_regex_and_absence() -> None:
    store = head()
    store.accept(batch(1000, [("one", 1.0), ("two", 2.0), ("", 3.0)]))

    def found(op: MatchOp, value: str) -> list[str]:
        matchers = (*named("x"), Matcher("a", op, value))
        return sorted(dict(row).get("a", "") for block in store.select(matchers, 0, 2000) for row in block.labels)

    assert found(MatchOp.EQUAL, "one") == ["one"]
    assert found(MatchOp.EQUAL, "") == [""]
    assert found(MatchOp.NOT_EQUAL, "one") == ["", "two"]
    assert found(MatchOp.NOT_EQUAL, "") == ["one", "two"]
    assert found(MatchOp.REGEX, "o.*|x") == ["one"]
    assert found(MatchOp.REGEX, "n") == []
    assert found(MatchOp.REGEX, ".*") == ["", "one", "two"]
    assert found(MatchOp.NOT_REGEX, "o.*") == ["", "two"]
    assert found(MatchOp.NOT_REGEX, ".+") == [""]


def test_a_selection_is_remembered_until_series_change() -> None:
    store = head()
    store.accept(batch(1000, [("1", 1.0)]))
    (first,) = store.select(named("x"), 0, 10**9)
    store.accept(batch(2000, [("1", 1.0)]))
    (second,) = store.select(named("x"), 0, 10**9)
    assert second.labels is first.labels
    store.accept(batch(3000, [("1", 1.0), ("2", 1.0)]))
    assert len(store.select(named("x"), 0, 10**9)[0].labels) == 2


def test_a_selection_that_no_new_series_belongs_to_stays_as_it_is() -> None:
    store = head()
    store.accept(batch(1000, [("1", 1.0), ("2", 1.0)]))
    one = (*named("x"), Matcher("a", MatchOp.EQUAL, "1"))
    (first,) = store.select(one, 0, 10**9)
    store.accept(batch(2000, [("1", 1.0), ("3", 1.0)]))
    (second,) = store.select(one, 0, 10**9)
    assert second.labels is first.labels
    assert second.values.tolist() == [[1.0, 1.0]]


def test_the_garbage_collector_need_not_visit_each_series() -> None:
    gc.collect()
    before = len(gc.get_objects())
    store = head()
    store.accept(batch(0, many(5000)))
    gc.collect()
    assert len(store.select(named("x"), 0, 0)[0].labels) == 5000
    assert len(gc.get_objects()) - before < 100


def test_series_share_the_pairs_of_their_labels() -> None:
    store = head()
    store.accept(batch(0, [("".join(("n", str(number))), 1.0) for number in range(3)], target=labels_of({"b": "c"})))
    rows = store.select(named("x"), 0, 0)[0].labels
    pairs = {pair for row in rows for pair in row}
    assert len({id(pair) for row in rows for pair in row}) == len(pairs) == 5


def test_label_names_and_values_are_those_of_all_blocks() -> None:
    store = head()
    store.accept(batch(1000, [("1", 1.0), ("2", 1.0)], up=True))
    store.accept(batch(1000, [("1", 1.0)], source="redis/main", up=True))
    assert store.label_names() == ["__name__", "a", "instance", "job", "target"]
    assert store.label_values("a") == {"1": 2, "2": 1}
    assert store.series_by_metric == {"up": 2, "x": 3}
    assert store.series_by_source == {"postgres/main": 3, "redis/main": 2}
    assert store.bytes > 0


def with_samples(store: Head) -> dict[Labels, list[object]]:
    """Return what a reader finds; a row that has no sample yet is nothing to him."""
    return {labels: cells for labels, cells in series(store).items() if {*cells} != {None}}


def many(count: int, first: int = 0) -> list[tuple[str, float]]:
    return [(f"n{number}", float(number)) for number in range(first, first + count)]


def test_a_batch_comes_in_many_steps_and_shows_as_a_whole_in_the_last() -> None:
    store = head()
    store.accept(batch(1000, many(3)))
    before = with_samples(store)
    steps = 0
    for _ in store.accept_in_steps(batch(2000, many(5 * STEP_SIZE))):
        steps += 1
        assert with_samples(store) == before
    assert steps >= 5
    cells = by_label(store)
    assert len(cells) == 5 * STEP_SIZE
    assert (cells["n1"], cells["n9"]) == ([1.0, 1.0], [None, 9.0])


def test_a_batch_whose_steps_are_left_off_is_not_there_and_hinders_no_other() -> None:
    store = head()
    store.accept(batch(1000, many(3)))
    steps = store.accept_in_steps(batch(2000, many(5 * STEP_SIZE)))
    for _ in range(3):
        next(steps)
    steps.close()
    assert store.accept(batch(3000, many(3))) == 0
    assert sorted(with_samples(store).values()) == [[float(number)] * 2 for number in range(3)]


def test_a_source_that_ends_between_two_steps_takes_nothing_of_the_batch() -> None:
    store = head()
    store.accept(batch(1000, [("1", 5.0)]))
    steps = store.accept_in_steps(batch(2000, many(3 * STEP_SIZE)))
    next(steps)
    store.end("postgres/main", 2500)
    assert sum(1 for _ in steps) < 5
    assert by_label(store)["1"] == [5.0, "stale"]
    assert store.refused_total == 3 * STEP_SIZE


@pytest.mark.parametrize("at", range(1, 7))
def test_others_may_forget_and_compact_between_two_steps(at: int) -> None:
    store = head(retention_seconds=60, max_series=4 * STEP_SIZE)
    store.accept(batch(0, [(f"old{number}", 1.0) for number in range(STEP_SIZE)]))
    store.accept(batch(50 * SECOND, [("n1", 5.0)]))
    for number, _ in enumerate(store.accept_in_steps(batch(70 * SECOND, many(2 * STEP_SIZE)))):
        if number == at - 1:
            others = [(f"other{number}", 1.0) for number in range(2 * STEP_SIZE - 1)]
            store.accept(batch(121 * SECOND, others, source="redis/main"))
    cells = by_label(store)
    assert [cells[f"n{number}"][-1] for number in range(2 * STEP_SIZE)] == [*map(float, range(2 * STEP_SIZE))]
    assert store.series_count == sum(store.series_by_source.values()) <= 4 * STEP_SIZE


def test_first_batch_of_a_source_survives_that_others_forget() -> None:
    store = head(retention_seconds=60)
    steps = store.accept_in_steps(batch(1000, many(2 * STEP_SIZE)))
    next(steps)
    store.accept(batch(2 * SECOND + 60 * SECOND, [("1", 1.0)], source="redis/main"))
    list(steps)
    assert len(store.select(named("x"), 0, 1000)[0].labels) == 2 * STEP_SIZE
    assert store.series_count == 2 * STEP_SIZE + 1


@pytest.mark.parametrize("at", range(1, 10))
def test_a_source_may_end_while_its_block_is_compacted_for_the_next_batch(at: int) -> None:
    store = head(retention_seconds=60)
    for second in range(32):
        store.accept(batch(2 * second * SECOND, [*many(2 * STEP_SIZE), *([("old", 1.0)] if second == 0 else [])]))
    steps = store.accept_in_steps(batch(70 * SECOND, many(2 * STEP_SIZE)))
    for _ in range(at):
        next(steps)
    store.end("postgres/main", 65 * SECOND)
    list(steps)
    assert by_label(store)["n7"][-2:] == ["stale", 7.0]
    assert store.series_count == store.series_by_source["postgres/main"]


ticks = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 2 * STEP_SIZE), st.integers(1, 40), st.lists(st.sampled_from("abc"))
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(ticks)
def test_batches_in_steps_between_each_other_leave_what_they_leave_one_by_one(
    plan: list[tuple[str, int, int, list[str]]],
) -> None:
    in_steps, at_once = head(retention_seconds=600), head(retention_seconds=600)
    time, running = 0, dict[str, Steps[int]]()
    for source, first, seconds, turns in plan:
        time += seconds * SECOND
        tick = batch(time, many(STEP_SIZE + 7, first), source, target=labels_of({"job": source}))
        at_once.accept(tick)
        list(running.get(source, ()))
        running[source] = in_steps.accept_in_steps(tick)
        for turn in turns:
            next(running.get(turn, iter(())), None)
    for steps in running.values():
        list(steps)
    assert series(in_steps) == series(at_once)
    assert in_steps.series_by_source == at_once.series_by_source
    assert (in_steps.series_count, in_steps.refused_total) == (at_once.series_count, 0)
