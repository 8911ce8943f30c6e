"""What the soak `harm` makes of probe answers: it would find a false alarm, and a death that nobody told."""

from collections.abc import Callable

import pytest

from tests.soak.faults.hour import Span, Story
from tests.soak.faults.prober import NO_ANSWER, Answer
from tests.soak.faults.verdict import judge

BEGAN = 1000.0
DIED, REVIVED, ENDS = 20.0, 40.0, 60.0
REPORTED = {"readyz": 3.0, "livez": 6.0}
SEEN = 1.0
"""When the app was dead for so long, probes tell, and they see so soon that it is back."""


def told(probe: str, at: float) -> int:
    """Return the status of a probe as it should be."""
    return 503 if DIED + REPORTED[probe] <= at < REVIVED + SEEN else 200


def story(status: Callable[[str, float], int], way: str = "killed") -> Story:
    """Return that of an app that dies once, with probes that answer so."""
    made = Story(began=BEGAN, deaths=[Span(way, BEGAN + DIED, BEGAN + REVIVED)])
    for number in range(int(ENDS * 10)):
        at = number / 10
        app = NO_ANSWER if DIED <= at < REVIVED else 200
        made.answers.append(Answer("app", BEGAN + at, app, 1.0))
        made.answers += [Answer(probe, BEGAN + at, status(probe, at), 2.0) for probe in REPORTED]
    return made


@pytest.mark.parametrize("way", ["killed", "frozen"])
def test_an_app_that_was_told_of_in_time_and_only_then_is_all_that_was_asked_for(way: str) -> None:
    verdict = judge(story(told, way))
    assert not any(verdict.failures)
    assert len(verdict.reports) == 2
    assert not verdict.false_alarms


@pytest.mark.parametrize("status", [503, NO_ANSWER])
@pytest.mark.parametrize("at", [10.0, 50.0])
def test_one_answer_other_than_200_while_the_app_answers_is_a_false_alarm(status: int, at: float) -> None:
    verdict = judge(story(lambda probe, when: status if (probe, when) == ("livez", at) else told(probe, when)))
    assert [(each.name, each.status, each.asked) for each in verdict.false_alarms] == [("livez", status, BEGAN + at)]
    assert any(verdict.failures)


def test_silence_is_a_false_alarm_also_right_after_the_app_came_back() -> None:
    at = REVIVED + SEEN
    verdict = judge(story(lambda probe, when: NO_ANSWER if (probe, when) == ("readyz", at) else told(probe, when)))
    assert len(verdict.false_alarms) == 1


@pytest.mark.parametrize("probe", ["livez", "readyz"])
def test_a_death_that_is_never_told_or_taken_back_is_missed(probe: str) -> None:
    never = judge(story(lambda name, when: 200 if name == probe else told(name, when)))
    back = judge(story(lambda name, when: 200 if (name, when) == (probe, REVIVED - 2) else told(name, when)))
    for verdict in (never, back):
        assert [each.probe for each in verdict.reports if each.is_missed] == [probe]


def test_liveness_is_not_asked_to_blame_while_our_own_loop_was_late() -> None:
    late = story(lambda probe, when: 200 if probe == "livez" else told(probe, when))
    late.late = [BEGAN + REVIVED - 1]
    verdict = judge(late)
    assert [each.probe for each in verdict.unjudged] == ["livez"]
    assert not any(verdict.failures)
