"""When a group is due."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.rules.group import RuleGroup


@given(st.integers(0, 2**42), st.sampled_from([1000, 2000, 60_000, 3_600_000]), st.text(max_size=5))
def test_the_slot_is_the_latest_time_on_the_groups_grid_that_is_not_in_the_future(
    now_ms: int, interval_ms: int, name: str
) -> None:
    group = RuleGroup("f", name, interval_ms, ())
    slot_ms = group.slot(now_ms)
    assert now_ms - interval_ms < slot_ms <= now_ms
    assert group.slot(slot_ms) == slot_ms
    assert group.slot(slot_ms + interval_ms) == slot_ms + interval_ms


def test_groups_of_the_same_interval_are_spread_over_it() -> None:
    slots = {RuleGroup("f", str(number), 60_000, ()).slot(10**12) for number in range(100)}
    assert len(slots) > 90
