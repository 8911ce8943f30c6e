"""The life of an alert, for any sequence of results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.alert import AlertState
from sidecar.model.labels import Labels, labels_of
from sidecar.rules.state import RESOLVED_RETENTION_MS, ActiveAlert, Finding, Holding, due, step

LABELS = labels_of({"alertname": "Down", "instance": "a"})
OTHER = labels_of({"alertname": "Down", "instance": "b"})
MINUTE_MS = 60_000
START_MS = 1_700_000_000_000


def finding(labels: Labels = LABELS, value: float = 1.0) -> Finding:
    return Finding(labels, (("summary", str(value)),), value)


@dataclass(frozen=True)
class Moment:
    """One evaluation: was the series there, what is the alert now, was it sent."""

    now_ms: int
    present: bool
    alert: ActiveAlert | None
    sent: bool

    @property
    def state(self) -> AlertState | None:
        return self.alert.state if self.alert else None


def live(presence: Sequence[bool], interval_ms: int, holding: Holding, resend_ms: int = MINUTE_MS) -> list[Moment]:
    """Evaluate once for each of `presence`, with another alert that is always there."""
    active: dict[Labels, ActiveAlert] = {}
    moments = []
    for number, present in enumerate(presence):
        now_ms = START_MS + number * interval_ms
        result = [finding(OTHER), finding()] if present else [finding(OTHER)]
        active, sent = due(step(active, result, now_ms, holding), now_ms, resend_ms, interval_ms)
        moments.append(Moment(now_ms, present, active.get(LABELS), any(alert.labels == LABELS for alert in sent)))
    return moments


def since_of_presence(moments: Sequence[Moment]) -> Iterator[tuple[Moment, int]]:
    """Yield each moment at which the series is there with the time since when it is without a gap."""
    since_ms = None
    for moment in moments:
        since_ms = (moment.now_ms if since_ms is None else since_ms) if moment.present else None
        if since_ms is not None:
            yield moment, since_ms


presences = st.lists(st.booleans(), min_size=1, max_size=120) | st.lists(
    st.tuples(st.booleans(), st.integers(1, 40)), min_size=1, max_size=8
).map(lambda runs: [present for present, length in runs for _ in range(length)])
intervals = st.sampled_from([2_000, 15_000, MINUTE_MS, 5 * MINUTE_MS])
holdings = st.sampled_from([0, 10_000, MINUTE_MS, 5 * MINUTE_MS])


@given(presences, intervals, holdings)
def test_an_alert_fires_once_its_condition_has_held_for_the_whole_time_and_not_before(
    presence: list[bool], interval_ms: int, for_ms: int
) -> None:
    for moment, since_ms in since_of_presence(live(presence, interval_ms, Holding(for_ms))):
        held = moment.now_ms - since_ms >= for_ms
        assert moment.state is (AlertState.FIRING if held else AlertState.PENDING)


@given(presences, intervals, holdings)
def test_a_pending_alert_whose_condition_ends_is_gone_without_a_word(
    presence: list[bool], interval_ms: int, for_ms: int
) -> None:
    moments = live(presence, interval_ms, Holding(for_ms))
    for before, after in pairwise(moments):
        if before.state is AlertState.PENDING:
            assert not before.sent
            assert after.present or after.alert is None


@given(presences, intervals, holdings, holdings)
def test_an_episode_of_firing_is_resolved_exactly_once(
    presence: list[bool], interval_ms: int, for_ms: int, keep_ms: int
) -> None:
    episode: tuple[int, int | None] | None = None
    for moment in live(presence, interval_ms, Holding(for_ms, keep_ms)):
        alert = moment.alert
        if alert is None or alert.fired_at_ms is None:
            episode = None
            continue
        if episode is not None and episode[0] == alert.fired_at_ms and episode[1] is not None:
            assert (alert.state, alert.resolved_at_ms) == (AlertState.INACTIVE, episode[1])
        if alert.state is AlertState.INACTIVE and (episode is None or episode[1] is None):
            assert alert.resolved_at_ms == moment.now_ms
            assert moment.sent
        episode = (alert.fired_at_ms, alert.resolved_at_ms)


@given(presences, intervals)
def test_a_firing_or_resolved_alert_is_sent_at_once_and_then_not_more_often_than_the_delay(
    presence: list[bool], interval_ms: int
) -> None:
    last: Moment | None = None
    for moment in live(presence, interval_ms, Holding()):
        if moment.alert is None:
            last = None
            continue
        same = last is not None and last.alert is not None and last.state is moment.state
        same = (
            same and last is not None and last.alert is not None and last.alert.fired_at_ms == moment.alert.fired_at_ms
        )
        if last is None or not same:
            assert moment.sent
        else:
            assert moment.sent == (moment.now_ms - last.now_ms > MINUTE_MS)
        last = moment if moment.sent else last


@given(intervals)
def test_a_resolved_alert_is_sent_for_a_quarter_of_an_hour_and_then_forgotten(interval_ms: int) -> None:
    count = 30 * MINUTE_MS // interval_ms
    moments = live([True] + [False] * count, interval_ms, Holding())
    resolved_ms = moments[1].now_ms
    for moment in moments[1:]:
        remembered = moment.now_ms - resolved_ms <= RESOLVED_RETENTION_MS
        assert (moment.alert is not None) == remembered
        assert remembered or not moment.sent


@given(intervals, st.sampled_from([10_000, MINUTE_MS, 10 * MINUTE_MS]))
def test_an_alert_keeps_firing_as_long_as_it_shall_after_its_condition_ended(interval_ms: int, keep_ms: int) -> None:
    count = keep_ms // interval_ms + 3
    moments = live([True] + [False] * count, interval_ms, Holding(0, keep_ms))
    vanished_ms = moments[1].now_ms
    for moment in moments[1:]:
        firing = moment.now_ms - vanished_ms < keep_ms
        assert moment.state is (AlertState.FIRING if firing else AlertState.INACTIVE)


def test_a_condition_that_returns_while_the_alert_is_kept_starts_the_keeping_anew() -> None:
    moments = live([True, False, True, False, False, False], MINUTE_MS, Holding(0, 2 * MINUTE_MS))
    assert [moment.state for moment in moments] == [AlertState.FIRING] * 5 + [AlertState.INACTIVE]


def test_an_alert_that_fires_again_after_it_was_resolved_is_a_new_one() -> None:
    moments = live([True, False, True], MINUTE_MS, Holding())
    alert = moments[2].alert
    assert alert is not None
    assert (alert.active_at_ms, alert.fired_at_ms, alert.resolved_at_ms) == (moments[2].now_ms,) * 2 + (None,)


def test_an_active_alert_shows_the_newest_value_and_annotations_and_keeps_its_beginning() -> None:
    first = step({}, [finding(value=1)], START_MS, Holding(MINUTE_MS))
    second = step(first, [finding(value=2)], START_MS + 1, Holding(MINUTE_MS))
    alert = second[LABELS]
    assert (alert.value, alert.annotations, alert.active_at_ms) == (2, (("summary", "2"),), START_MS)


def test_a_firing_alert_goes_back_to_pending_when_a_reload_made_it_wait_longer() -> None:
    firing = step({}, [finding()], START_MS, Holding())
    sent, _ = due(firing, START_MS, MINUTE_MS, MINUTE_MS)
    alert = step(sent, [finding()], START_MS + MINUTE_MS, Holding(5 * MINUTE_MS))[LABELS]
    assert (alert.state, alert.fired_at_ms, alert.last_sent_at_ms) == (AlertState.PENDING, None, None)


def test_receivers_may_forget_a_firing_alert_after_four_times_the_slower_of_interval_and_resend() -> None:
    firing = step({}, [finding()], START_MS, Holding())
    for resend_ms, interval_ms in [(MINUTE_MS, 1000), (1000, MINUTE_MS)]:
        _, (alert,) = due(firing, START_MS, resend_ms, interval_ms)
        assert alert.valid_until_ms == START_MS + 4 * MINUTE_MS


def test_values_given_to_a_step_are_not_changed_by_it() -> None:
    before = step({}, [finding()], START_MS, Holding())
    copy = {labels: replace(alert) for labels, alert in before.items()}
    step(before, [], START_MS + MINUTE_MS, Holding())
    assert before == copy
