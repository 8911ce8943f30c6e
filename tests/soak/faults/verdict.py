"""What probes answered, held against what the app did: false alarms, missed deaths, and how long answers took."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.soak.faults.hour import TRUSTED_LAG_SECONDS, Span, Story
from tests.soak.faults.prober import NO_ANSWER, Answer
from tests.soak.faults.world import (
    CHECK_SECONDS,
    FAILURE_THRESHOLD,
    HANG_THRESHOLD,
    RESTART_GRACE_SECONDS,
    TIMEOUT_SECONDS,
)

PROBES = ("livez", "readyz")
FRESH_SECONDS = 0.5
"""An answer is a false alarm if the app's own 200 is not older than this."""
SLACK_SECONDS = 1.0
"""What a shared machine may be late, with what is asked and with who asks."""
RUN_SECONDS = CHECK_SECONDS + TIMEOUT_SECONDS
"""From any moment to the end of a check that began after it, at most."""
RECOVERY_SECONDS = RUN_SECONDS + SLACK_SECONDS
"""From the first answer of an app that came back to the 200 of its probes; its last change was longer ago."""
LIMITS_SECONDS = {
    ("readyz", "killed"): FAILURE_THRESHOLD * CHECK_SECONDS + TIMEOUT_SECONDS,
    ("readyz", "frozen"): FAILURE_THRESHOLD * CHECK_SECONDS + TIMEOUT_SECONDS,
    ("livez", "killed"): RUN_SECONDS + RESTART_GRACE_SECONDS + RUN_SECONDS,
    ("livez", "frozen"): HANG_THRESHOLD * CHECK_SECONDS + TIMEOUT_SECONDS,
}
"""By when a death is reported at the latest: failures in a row for readiness; the grace of a restart between the first
refusal and the one that is held against the app, or timeouts in a row, for liveness."""
LATE_MILLISECONDS = 1000 * TRUSTED_LAG_SECONDS
HANG_SPAN_SECONDS = HANG_THRESHOLD * RUN_SECONDS
"""Liveness blames nobody while our own loop was late in so long a time."""


class Report(NamedTuple):
    """How one death was told at one probe; None: never."""

    probe: str
    death: Span
    seconds: float | None
    limit_seconds: float
    taken_back: int
    """How often it was called alive again before it was."""

    @property
    def is_missed(self) -> bool:
        """Whether it was told too late, or not all the time."""
        return self.seconds is None or self.seconds > self.limit_seconds or self.taken_back > 0


@dataclass(frozen=True)
class Verdict:
    """All that came of it."""

    story: Story
    false_alarms: Sequence[Answer]
    reports: Sequence[Report]
    unjudged: Sequence[Report]
    """Deaths that were over before liveness had to tell, because our own loop was late."""

    @property
    def failures(self) -> list[list[str]]:
        """Return what is wrong with each of what was to hold, in words."""
        return [
            self.story.failures,
            [
                f"{_at(self.story, each.asked)}: /{each.name} {_said(each)}, the app was well"
                for each in self.false_alarms
            ],
            *(
                [f"{_at(self.story, each.death.begun)}: app {each.death.name}, /{each.probe} {_told(each)}"]
                * each.is_missed
                for each in self.reports
            ),
        ]


def judge(story: Story) -> Verdict:
    """Hold the answers against what was done."""
    reports = [report for death in story.deaths for report in _reports(story, death)]
    judged = [each for each in reports if each.limit_seconds < each.death.ended - each.death.begun]
    unjudged = [each for each in reports if each not in judged]
    return Verdict(story, [*_false_alarms(story)], judged, unjudged)


def _false_alarms(story: Story) -> Iterator[Answer]:
    well = sorted(each.ended for each in story.answers if each.name == "app" and each.status == 200)
    for answer in story.answers:
        if answer.name not in PROBES or answer.status == 200 or _is_explained(answer, story.deaths):
            continue
        before = bisect_right(well, answer.ended)
        if before and well[before - 1] >= answer.ended - FRESH_SECONDS:
            yield answer


def _is_explained(answer: Answer, deaths: Sequence[Span]) -> bool:
    """Whether a 503, never silence, is from a death that is not over for longer than checks take to see it."""
    return answer.status != NO_ANSWER and any(
        death.begun <= answer.ended <= death.ended + RECOVERY_SECONDS for death in deaths
    )


def _reports(story: Story, death: Span) -> Iterator[Report]:
    for probe in PROBES:
        answers = [each for each in story.answers if each.name == probe and death.begun <= each.asked <= death.ended]
        told = next((each.ended for each in answers if each.status not in (200, NO_ANSWER)), None)
        limit = LIMITS_SECONDS[probe, death.name] + SLACK_SECONDS
        if probe == "livez":
            limit = max(limit, _trusted_from(story, death) - death.begun + RUN_SECONDS + SLACK_SECONDS)
        again = sum(each.status == 200 and each.ended > death.begun + limit for each in answers)
        yield Report(probe, death, None if told is None else told - death.begun, limit, again)


def _trusted_from(story: Story, death: Span) -> float:
    """Return when our own loop had been punctual for long enough that liveness may blame the app.

    It was late while it said so, and for a while after a probe that it took long to answer.
    """
    slow = (each.ended for each in story.answers if each.name in PROBES and each.milliseconds >= LATE_MILLISECONDS)
    held = (*story.late, *(min(moment + HANG_SPAN_SECONDS, death.ended) for moment in slow if moment <= death.ended))
    return max((moment for moment in held if moment <= death.ended), default=story.began)


def _at(story: Story, moment: float) -> str:
    return f"{moment - story.began:.1f} s after the start"


def _said(answer: Answer) -> str:
    return "did not answer" if answer.status == NO_ANSWER else f"answered {answer.status}"


def _told(report: Report) -> str:
    if report.seconds is None:
        return "never told"
    again = f" and said 200 again {report.taken_back} times" if report.taken_back else ""
    return f"told after {report.seconds:.1f} s{again}, expected within {report.limit_seconds:.1f} s"


def table(verdict: Verdict) -> Iterator[str]:
    """Yield the lines of what people want to know."""
    story = verdict.story
    yield f"{'phase':22} {'times':>5} {'probes':>8} {'not 200':>8} {'p50':>7} {'p99':>7} {'max':>7} ms   control p99"
    names = sorted({fault.name for fault in story.faults})
    for name in names:
        spans = [fault for fault in story.faults if fault.name == name]
        yield _row(name, len(spans), _within(story.answers, spans))
    quiet = [each for each in story.answers if not _is_within(each, story.faults)]
    yield _row("no fault", 0, quiet)
    yield _row("all", len(story.faults), story.answers)
    yield ""
    yield f"{'probes':32} {sum(each.name in PROBES for each in story.answers):8d}"
    yield f"{'false alarms':32} {len(verdict.false_alarms):8d}"
    yield f"{'deaths':32} {len(story.deaths):8d}   {_ways(story.deaths)}"
    yield f"{'missed deaths':32} {sum(each.is_missed for each in verdict.reports):8d}"
    yield f"{'not judged, our own loop was late':32} {len(verdict.unjudged):8d}"
    for probe, way in LIMITS_SECONDS:
        seen = [each.seconds for each in verdict.reports if (each.probe, each.death.name) == (probe, way)]
        told = [seconds for seconds in seen if seconds is not None]
        if told:
            limit = LIMITS_SECONDS[probe, way]
            times = f"{np.median(told):.1f} s, at most {max(told):.1f}"
            yield f"/{probe}, app {way}: told after {times}; documented {limit:.1f}"


def _row(name: str, times: int, answers: Sequence[Answer]) -> str:
    probes = [each for each in answers if each.name in PROBES]
    bad = sum(each.status != 200 for each in probes)
    p50, p99, most = _milliseconds(probes, 50), _milliseconds(probes, 99), _milliseconds(probes, 100)
    control = _milliseconds([each for each in answers if each.name == "control"], 99)
    return f"{name:22} {times:5d} {len(probes):8d} {bad:8d} {p50:7.1f} {p99:7.1f} {most:7.1f}      {control:10.1f}"


def _milliseconds(answers: Sequence[Answer], percent: float) -> float:
    return float(np.percentile([each.milliseconds for each in answers], percent)) if answers else 0.0


def _within(answers: Sequence[Answer], spans: Sequence[Span]) -> list[Answer]:
    return [each for each in answers if _is_within(each, spans)]


def _is_within(answer: Answer, spans: Sequence[Span]) -> bool:
    return any(span.begun <= answer.asked <= span.ended for span in spans)


def _ways(deaths: Sequence[Span]) -> str:
    return ", ".join(f"{sum(each.name == way for each in deaths)} {way}" for way in ("killed", "frozen"))
