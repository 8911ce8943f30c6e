"""What the tests of runners share: a sink that remembers, and values by name and labels."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from sidecar.collect.runner import ScrapeContext, Target
from sidecar.model.family import FamilySamples
from sidecar.model.sample import SampleBatch
from sidecar.model.steps import Steps
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents

INTERVAL_SECONDS = 15.0


class RememberedBatches:
    """Sink and publisher that keeps what it gets."""

    def __init__(self) -> None:
        self.batches: list[SampleBatch] = []

    def accept_in_steps(self, batch: SampleBatch) -> Steps[int]:
        yield
        self.batches.append(batch)
        return 0

    async def publish(self, batch: SampleBatch, /) -> None:
        self.batches.append(batch)

    @property
    def last(self) -> SampleBatch:
        return self.batches[-1]

    def values(self) -> dict[str, float]:
        """Return the samples of the last batch as `name{label="value"}`."""
        return values_of(self.last.families)


class Surroundings:
    """A context of fakes, and a target `main`."""

    def __init__(self) -> None:
        self.sink = RememberedBatches()
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        self.meter = Meter(CollectorRegistry())
        self.context = ScrapeContext(self.sink, self.clock, self.events, self.meter)
        self.target = Target("main", INTERVAL_SECONDS, (("instance", "db:5432"), ("job", "postgres")))


def values_of(families: Iterable[FamilySamples]) -> dict[str, float]:
    """Return every sample as `name{label="value"}` and its value; fail on a series that stands there twice."""
    values: dict[str, float] = {}
    for _, samples in families:
        for name, labels, value in samples:
            series = name + ("{" + ",".join(f'{key}="{text}"' for key, text in labels) + "}" if labels else "")
            assert series not in values
            values[series] = value
    return values
