"""What each source is sure of when there is not room for all series."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import is_stale
from sidecar.model.steps import STEP_SIZE, Steps
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from sidecar.tsdb.share import giving, group_of, room_for, share_of, spare_of

FAMILY = Family("x", MetricType.GAUGE, "A number.")
LIMIT = 100
NAMES = ("postgres/main", "redis/main", "spans", "rule/a;record;r{};0", "rule/a;record;s{};0")


def batch(source: str, time_ms: int, names: Sequence[str]) -> SampleBatch:
    samples = [Sample("x", labels_of({"a": name, "s": source}), 1.0) for name in names]
    return SampleBatch(source, time_ms, EMPTY, [FamilySamples(FAMILY, samples)])


def flood(count: int, first: int = 0) -> list[str]:
    return [f"n{number}" for number in range(first, first + count)]


def live(head: Head, source: str) -> list[str]:
    """Return the names of the series of `source` that are not stale now."""
    found = []
    for block in head.select((Matcher("s", MatchOp.EQUAL, source),), 0, 10**15):
        ended = is_stale(block.values)[:, -1]
        found += [dict(labels)["a"] for labels, gone in zip(block.labels, ended, strict=True) if not gone]
    return found


used = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 400), min_size=1)


@given(used, st.integers(0, 1000), st.integers(1, 500), st.data())
def test_whoever_is_below_its_share_gets_it_and_nobody_gives_below_theirs(
    used: dict[str, int], limit: int, wanted: int, data: st.DataObject
) -> None:
    group = data.draw(st.sampled_from(sorted(used)))
    share = share_of(limit, len(used))
    given_up = giving(used, limit, group, wanted)
    assert group not in given_up
    assert all(0 < count <= used[name] - share for name, count in given_up.items())
    after = {name: count - given_up.get(name, 0) for name, count in used.items()}
    assert room_for(after, limit, group) >= min(wanted, share - used[group])
    assert room_for(after, limit, group) <= max(0, limit - sum(after.values()))


def test_nobody_gives_while_there_is_room_or_to_whoever_has_a_share_already() -> None:
    assert giving({"a": 60, "b": 10}, 100, "b", 30) == {}
    assert giving({"a": 40, "b": 60}, 100, "b", 1) == {}
    assert giving({"a": 90, "b": 10}, 100, "b", 5) == {"a": 5 + spare_of(100)}
    assert giving({"a": 90, "b": 10}, 100, "b", 500) == {"a": 40}


def test_all_rules_together_are_one_source() -> None:
    assert {group_of(name) for name in NAMES} == {"postgres/main", "redis/main", "spans", "rules"}


def test_a_small_target_gets_in_beside_one_that_floods_whoever_was_first() -> None:
    head = Head(HeadConfig(max_series=LIMIT))
    assert head.accept(batch("redis/main", 1000, flood(500))) == 400
    assert head.accept(batch("postgres/main", 1000, flood(20))) == 0
    assert head.accept(batch("redis/main", 2000, flood(500))) == 421
    assert len(live(head, "postgres/main")) == 20
    assert len(live(head, "redis/main")) == 79
    assert head.series_count == LIMIT - spare_of(LIMIT)


def test_what_was_there_first_goes_on_in_a_source_that_loses_series() -> None:
    head = Head(HeadConfig(max_series=LIMIT))
    head.accept(batch("redis/main", 1000, flood(100)))
    head.accept(batch("redis/main", 2000, flood(90)))
    head.accept(batch("postgres/main", 2000, flood(30)))
    head.accept(batch("redis/main", 3000, flood(90)))
    # Those that had ended went first.
    assert live(head, "redis/main") == flood(69)
    assert head.shed_by_source == {"redis/main": 31}


def test_whoever_has_more_than_its_share_cannot_take_from_others() -> None:
    head = Head(HeadConfig(max_series=LIMIT))
    head.accept(batch("postgres/main", 1000, flood(70)))
    assert head.accept(batch("redis/main", 1000, flood(500))) == 450
    assert head.accept(batch("postgres/main", 2000, flood(70))) == 20
    assert head.series_by_source == {"postgres/main": 50, "redis/main": 50}


def test_rules_find_room_beside_a_flood() -> None:
    head = Head(HeadConfig(max_series=LIMIT))
    head.accept(batch("redis/main", 1000, flood(500)))
    for source in NAMES[3:]:
        assert head.accept(batch(source, 1000, flood(25))) == 0
    assert head.series_by_source == {"redis/main": 50, "rules": 50}


def test_refused_samples_are_told_with_the_source() -> None:
    told: list[tuple[str, int]] = []
    head = Head(HeadConfig(max_series=LIMIT), lambda source, count: told.append((source, count)))
    head.accept(batch("redis/main", 1000, flood(101)))
    head.accept(batch("postgres/main", 1000, flood(10)))
    head.accept(batch(NAMES[3], 1000, flood(200)))
    assert told == [("redis/main", 1), ("rules", 167)]


visits = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 130), st.integers(0, 60), st.integers(0, 40)), max_size=30
)


@example([("postgres/main", 0, 0, 0), ("postgres/main", 1, 0, 0)])
@settings(max_examples=60, deadline=None)
@given(visits)
def test_in_any_order_of_arrivals_growth_and_departure_the_cap_holds_and_nobody_starves(
    plan: list[tuple[str, int, int, int]],
) -> None:
    head = Head(HeadConfig(max_series=LIMIT, retention_seconds=60))
    time_ms = 0
    for source, count, first, seconds in plan:
        time_ms += 2 + seconds * 1000  # newer than the end of a source that left, which is a moment after its batch
        before = head.series_by_source.get(group_of(source), 0)
        refused = head.accept(batch(source, time_ms, flood(count, first)))
        after = head.series_by_source
        assert head.series_count == sum(after.values()) <= LIMIT
        share = share_of(LIMIT, len(after))
        assert not refused or after[group_of(source)] >= share
        assert after[group_of(source)] <= max(before + count, share)
        if not count:
            head.end(source, time_ms + 1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_a_small_source_gets_in_between_the_steps_of_floods(turns: list[str]) -> None:
    head = Head(HeadConfig(max_series=1000))
    sources = {"a": ("redis/main", 5 * STEP_SIZE), "b": ("spans", 5 * STEP_SIZE), "c": ("postgres/main", STEP_SIZE)}
    running: dict[str, Steps[int]] = {}
    for time_ms in (1000, 2000):
        for key, (source, count) in sources.items():
            running[key] = head.accept_in_steps(batch(source, time_ms, flood(count)))
        for turn in turns:
            next(running[turn], None)
        for steps in running.values():
            list(steps)
        assert len(live(head, "postgres/main")) == STEP_SIZE
        assert head.series_count == sum(head.series_by_source.values()) <= 1000
