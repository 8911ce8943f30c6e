"""What is told when the head refuses series."""

from prometheus_client import CollectorRegistry

from sidecar.app.stores import expose_stores
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY
from sidecar.model.sample import SampleBatch
from sidecar.rules.store import RuleStore
from sidecar.runtime.meter import Meter
from sidecar.runtime.pages import Pages
from sidecar.runtime.refused_series import QUIET_SECONDS, RefusedSeries, SeriesRefused
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, RecordedEvents


def test_a_source_that_is_too_large_is_told_once_and_again_after_it_was_not() -> None:
    clock = FakeClock()
    events = RecordedEvents(clock)
    news = RefusedSeries(events.emit, clock.monotonic)
    for _ in range(3 * int(QUIET_SECONDS) // 15):
        news.note("redis/main", 900)
        news.note("rules", 1)
        clock.pass_by(15.0)
    assert events.seen == [SeriesRefused("redis/main", 900), SeriesRefused("rules", 1)]
    clock.pass_by(QUIET_SECONDS)
    news.note("redis/main", 7)
    assert events.seen[2:] == [SeriesRefused("redis/main", 7)]


def test_what_each_source_has_and_lost_is_counted_from_zero() -> None:
    meter = Meter(CollectorRegistry())
    head = Head(HeadConfig(max_series=100))
    expose_stores(meter, head, Pages(FakeClock().monotonic), RuleStore())
    for source, count in (("redis/main", 120), ("postgres/main", 10)):
        samples = [Sample("x", (("a", str(number)),), 1.0) for number in range(count)]
        head.accept(SampleBatch(source, 1000, EMPTY, [FamilySamples(Family("x", MetricType.GAUGE, "X."), samples)]))
    found = {
        (sample.name, sample.labels["source"]): sample.value
        for metric in meter.registry.collect()
        for sample in metric.samples
        if "source" in sample.labels
    }
    assert found == {
        ("sidecar_head_source_series", "redis/main"): 89,
        ("sidecar_head_source_series", "postgres/main"): 10,
        ("sidecar_head_source_refused_samples_total", "redis/main"): 20,
        ("sidecar_head_source_refused_samples_total", "postgres/main"): 0,
        ("sidecar_head_source_shed_series_total", "redis/main"): 11,
        ("sidecar_head_source_shed_series_total", "postgres/main"): 0,
    }
