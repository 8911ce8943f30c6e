"""Several blocks in one query, and series that more than one of them has."""

from sidecar.model.family import FamilySamples, Sample
from sidecar.model.sample import SampleBatch
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.unit.promql.stores import FAMILY, ask, ask_range

MINUTE = 60_000


def fill(head: Head, source: str, minute: float, **values: float) -> None:
    samples = [Sample("x", (("a", name),), value) for name, value in values.items()]
    head.accept(SampleBatch(source, round(minute * MINUTE), (), [FamilySamples(FAMILY, samples)]))


def test_a_query_sees_the_series_of_every_source_at_its_own_times() -> None:
    head = Head(HeadConfig())
    for minute in range(4):
        fill(head, "one", minute, p=minute)
        fill(head, "two", minute + 0.5, q=10 * minute)
    assert ask(head, "x", 3.2) == {"x{a=p}": 3, "x{a=q}": 20}
    assert ask(head, "sum(delta(x[2m]))", 3.5)["{}"] == 22
    assert ask(head, "count_over_time(x[10m])", 3.2) == {"{a=p}": 4, "{a=q}": 3}


def test_a_series_goes_on_when_its_source_is_renamed() -> None:
    head = Head(HeadConfig())
    for minute in range(3):
        fill(head, "old", minute, p=minute, q=7)
    head.end("old", round(2.5 * MINUTE))
    for minute in range(3, 6):
        fill(head, "new", minute, p=minute)
    assert ask(head, "increase(x[5m])", 5) == {"{a=p}": 5.0, "{a=q}": 0}
    assert ask(head, "count_over_time(x[10m])", 5) == {"{a=p}": 6, "{a=q}": 3}
    steps = [(minute, minute) for minute in range(6)]
    assert ask_range(head, 'x{a="p"}', range(6)) == {"x{a=p}": steps}
    assert ask(head, "x", 2.6) == {}


def test_of_two_samples_at_the_same_time_the_later_source_counts() -> None:
    head = Head(HeadConfig())
    fill(head, "one", 1, p=1, q=1)
    fill(head, "two", 1, p=2)
    assert ask(head, "x", 1) == {"x{a=q}": 1, "x{a=p}": 2}


def test_a_sample_counts_before_the_staleness_marker_of_another_source() -> None:
    head = Head(HeadConfig())
    fill(head, "one", 1, p=1)
    fill(head, "two", 1, p=1)
    fill(head, "one", 2, p=5)
    fill(head, "two", 2)
    assert ask(head, "x", 2) == {"x{a=p}": 5}
