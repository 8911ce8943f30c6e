"""An outage, whatever happens in whichever order: told when it begins and when it ends, with all that was lost."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sidecar.deliver.outage import EndedOutage, Outage
from sidecar.runtime.events import Event
from tests.fakes import FakeClock, RecordedEvents


@dataclass(frozen=True, slots=True)
class Began(Event):
    """The first failure."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The first success after it."""

    seconds: float
    lost: int


class AnyOutage(RuleBasedStateMachine):
    """Compares an outage with a list of what is to be told of it."""

    @initialize()
    def begins(self) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        self.outage = Outage(self.clock, self.events, Began, lambda ended: Ended(*ended))
        self.told: list[Event] = []
        self.now = 0.0
        self.failures: list[tuple[float, int]] = []

    @rule(seconds=st.integers(0, 100))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_by(seconds)
        self.now += seconds

    @rule(reason=st.text(max_size=2), lost=st.integers(0, 5))
    def fails(self, reason: str, lost: int) -> None:
        self.outage.failed(reason, lost)
        if not self.failures:
            self.told.append(Began(reason))
        self.failures.append((self.now, lost))

    @rule()
    def cannot_be_tried(self) -> None:
        assert self.outage.begin() is not bool(self.failures)
        self.failures.append((self.now, 0))

    @rule()
    def works(self) -> None:
        self.outage.worked()
        if self.failures:
            ended = EndedOutage(self.now - self.failures[0][0], sum(lost for _, lost in self.failures))
            self.told.append(Ended(*ended))
        self.failures.clear()

    @invariant()
    def each_change_is_told_once(self) -> None:
        assert self.events.seen == self.told
        assert self.outage.is_on is bool(self.failures)


TestAnyOutage = AnyOutage.TestCase
TestAnyOutage.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
