"""The self collector: prometheus_client's registry as families, and live readers as batches."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, Summary
from prometheus_client.parser import text_string_to_metric_families

from sidecar.codec.exposition import encode
from sidecar.collect.self import SelfCollector, families_of
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from tests.fakes import FakeClock, settle
from tests.unit.collect.scraping import RememberedBatches, values_of


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("sidecar_x_total", "Counted.", ["kind"], registry=made).labels("a").inc(2)
    Histogram("sidecar_y_seconds", "Timed.", buckets=(0.5, 1.0, 1e6), registry=made).observe(0.7)
    Summary("sidecar_z", "Summed.", registry=made).observe(3)
    Info("sidecar_build", "Built.", registry=made).info({"version": "1"})
    return made


def test_registry_becomes_families_of_the_text_format() -> None:
    families = families_of(registry())
    assert [(family.name, family.type.value) for family, _ in families] == [
        ("sidecar_x_total", "counter"),
        ("sidecar_y_seconds", "histogram"),
        ("sidecar_z", "summary"),
        ("sidecar_build_info", "gauge"),
    ]
    assert values_of(families) == {
        'sidecar_x_total{kind="a"}': 2,
        'sidecar_y_seconds_bucket{le="0.5"}': 0,
        'sidecar_y_seconds_bucket{le="1"}': 1,
        'sidecar_y_seconds_bucket{le="1e+06"}': 1,
        'sidecar_y_seconds_bucket{le="+Inf"}': 1,
        "sidecar_y_seconds_count": 1,
        "sidecar_y_seconds_sum": 0.7,
        "sidecar_z_count": 1,
        "sidecar_z_sum": 3,
        'sidecar_build_info{version="1"}': 1,
    }


def test_what_comes_out_can_be_parsed() -> None:
    assert len(list(text_string_to_metric_families(encode(families_of(registry())).decode()))) == 4


async def test_each_reader_is_a_source_without_up() -> None:
    clock, sink = FakeClock(), RememberedBatches()
    family = Family("x", MetricType.GAUGE, "X.")
    readers = {"self": lambda: [FamilySamples(family, [Sample("x", (), 1.0)])], "spans": list}
    target = (("instance", "app:9464"), ("job", "app"))
    collector = SelfCollector(sink, target, 15.0, clock, readers)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(collector.run(lambda: None))
        await settle()
        await clock.advance(15.0)
        task.cancel()
    assert [batch.source for batch in sink.batches] == ["self", "spans", "self", "spans"]
    assert {(batch.target, batch.up) for batch in sink.batches} == {(target, None)}
