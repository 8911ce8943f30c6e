"""The store: order, deltas, expiry, conflicts, limits."""

import gc
import tracemalloc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum

from sidecar.codec.otlp.metrics import MetricBatches
from sidecar.metrics import store as store_module
from sidecar.model.errors import SenderError
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from tests.unit.metrics.conftest import NOW, Received, attributes, counter, gauge, request_of


def sums(*points: tuple[int, float], temporality: int = 1) -> Metric:
    """Return a monotonic sum of (time, value)."""
    found = [NumberDataPoint(time_unix_nano=time, as_double=value) for time, value in points]
    return Metric(
        name="x",
        sum=Sum(data_points=found, is_monotonic=True, aggregation_temporality=temporality),  # type: ignore[arg-type]
    )


def histogram(*points: tuple[int, Sequence[int]], temporality: int = 1) -> Metric:
    """Return a histogram of (time, counts)."""
    found = [
        HistogramDataPoint(
            time_unix_nano=time, bucket_counts=counts, explicit_bounds=[1, 2, 5], count=sum(counts), sum=sum(counts)
        )
        for time, counts in points
    ]
    return Metric(
        name="x",
        histogram=Histogram(data_points=found, aggregation_temporality=temporality),  # type: ignore[arg-type]
    )


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20), st.integers(1, 20))
def test_deltas_add_up_to_what_cumulative_points_say_however_they_are_cut(deltas: list[int], size: int) -> None:
    of_deltas, cumulative = Received(), Received()
    points = [(time + 1, float(value)) for time, value in enumerate(deltas)]
    for at in range(0, len(points), size):
        of_deltas.receive(request_of(sums(*points[at : at + size])))
    totals = [(time, float(sum(deltas[:time]))) for time, _ in points]
    cumulative.receive(request_of(sums(*totals, temporality=2)))
    assert of_deltas.shown() == cumulative.shown() == {"x_total": sum(deltas)}


@given(st.lists(st.lists(st.integers(0, 2**40), min_size=4, max_size=4), min_size=1, max_size=10))
def test_deltas_of_histograms_add_up_to_what_cumulative_points_say(deltas: list[list[int]]) -> None:
    of_deltas, cumulative = Received(), Received()
    of_deltas.receive(request_of(histogram(*[(time + 1, counts) for time, counts in enumerate(deltas)])))
    totals = [sum(column) for column in zip(*deltas, strict=True)]
    cumulative.receive(request_of(histogram((9, totals), temporality=2)))
    assert of_deltas.shown() == cumulative.shown()
    buckets = [value for name, value in of_deltas.shown().items() if "_bucket" in name]
    assert buckets == sorted(buckets)


@given(st.permutations(range(1, 8)))
def test_of_cumulative_points_the_one_of_the_latest_time_stays_whatever_their_order(times: list[int]) -> None:
    received = Received()
    for time in times:
        received.receive(request_of(counter("x", value=time * 10, time=time)))
    assert received.shown() == {"x_total": 70}


def test_of_two_senders_of_one_series_the_later_one_is_shown(received: Received) -> None:
    received.receive(request_of(counter("x", 100, time=1), counter("x", 7, time=2)))
    assert received.shown() == {"x_total": 7}
    assert received.receive(request_of(counter("x", 101, time=1))) == 1
    assert received.dropped() == {"out_of_order": 1}


def test_of_the_same_time_the_last_one_counts_and_a_delta_counts_once(received: Received) -> None:
    received.receive(request_of(gauge("g", 1, time=5), gauge("g", 2, time=5), counter("c", 3, time=5, temporality=1)))
    received.receive(request_of(counter("c", 3, time=5, temporality=1)))
    assert received.shown() == {"g": 2, "c_total": 3}


def test_a_point_without_a_time_is_of_the_time_it_comes(received: Received) -> None:
    for now in (NOW, NOW + 1):
        received.receive(request_of(counter("c", 3, time=0, temporality=1)), now)
    assert received.shown() == {"c_total": 6}


def test_a_delta_below_zero_or_a_number_without_a_value_is_dropped(received: Received) -> None:
    received.receive(request_of(counter("c", 3, time=1, temporality=1), counter("c", -1, time=2, temporality=1)))
    point = NumberDataPoint(time_unix_nano=3)
    received.receive(request_of(Metric(name="none", gauge={"data_points": [point]})))  # type: ignore[arg-type]
    assert received.shown() == {"c_total": 3}
    assert received.dropped() == {"malformed": 2}


@pytest.mark.parametrize("total", [float("nan"), float("inf")])
def test_a_delta_whose_sum_is_no_number_does_not_ruin_the_total(total: float, received: Received) -> None:
    wrong = histogram((2, [1, 0, 0, 0]))
    wrong.histogram.data_points[0].sum = total
    received.receive(request_of(histogram((1, [1, 1, 0, 0]))))
    assert received.receive(request_of(wrong)) == 1
    received.receive(request_of(histogram((3, [1, 0, 0, 0]))))
    shown = received.shown()
    assert (shown["x_sum"], shown["x_count"]) == (3, 3)
    assert received.dropped() == {"malformed": 1}


def test_a_series_without_points_ends_after_the_configured_time_and_another_begins_from_zero() -> None:
    received = Received(expire_seconds=60)
    received.receive(request_of(counter("c", 3, time=1, temporality=1), gauge("g"), service_name="shop"), NOW)
    received.receive(request_of(gauge("g", 2, time=2), service_name="shop"), NOW + 50)
    assert received.shown(NOW + 60) == {'g{job="shop"}': 2, 'c_total{job="shop"}': 3}
    assert received.shown(NOW + 61) == {'g{job="shop"}': 2}
    received.receive(request_of(counter("c", 4, time=3, temporality=1), service_name="shop"), NOW + 62)
    assert received.shown(NOW + 62) == {'g{job="shop"}': 2, 'c_total{job="shop"}': 4}
    assert received.shown(NOW + 500) == {}


def test_target_info_says_what_the_resource_said_last_and_ends_with_its_series(received: Received) -> None:
    received.receive(request_of(gauge("g"), service_name="shop", host_name="a"))
    received.receive(request_of(gauge("g", time=2), service_name="shop", host_name="b"))
    assert 'target_info{host_name="b",job="shop"}' in received.shown()
    assert len(received.shown()) == 2
    assert received.shown(NOW + 301) == {}


def test_a_metric_of_another_type_is_dropped_and_told_once(received: Received) -> None:
    received.receive(request_of(gauge("x.total", 1)))
    for time in (1, 2):
        assert received.receive(request_of(counter("x", 9, time))) == 1
    assert received.shown() == {"x_total": 1}
    assert received.dropped() == {"type": 2}
    (told,) = received.told
    assert told.family == "x_total"
    assert "counter" in told.problem
    assert "gauge" in told.problem


def test_a_family_whose_samples_would_be_called_like_those_of_another_is_dropped(received: Received) -> None:
    received.receive(request_of(histogram((1, [1, 0, 0, 0])), gauge("x.count", 7)))
    assert "x_count" in received.shown()
    assert received.shown()["x_count"] == 1
    assert received.dropped() == {"type": 1}


def test_of_different_descriptions_the_first_stays_and_no_point_is_lost(received: Received) -> None:
    first, second, third = gauge("x", a="1"), gauge("x", a="2"), gauge("x", a="3")
    first.description, second.description, third.description = "One.", "Two.", "Two."
    assert received.receive(request_of(first, second, third)) == 0
    assert [item.family.help for item in received.all() if item.family.name == "x"] == ["One."]
    assert len(received.shown()) == 3
    assert len(received.told) == 1


@pytest.mark.parametrize("name", ["up", "ALERTS", "target_info"])
def test_names_that_rules_know_from_the_sidecar_are_never_those_of_received_metrics(
    received: Received, name: str
) -> None:
    assert received.receive(request_of(gauge(name))) == 1
    assert received.dropped() == {"taken": 1}


def test_a_family_that_the_sidecar_begins_to_show_gives_way(received: Received) -> None:
    received.receive(request_of(gauge("pg.up"), histogram((1, [1, 0, 0, 0])), gauge("kept")))
    received.taken = ("pg_up", "x_bucket")
    assert received.shown() == {"kept": 1}
    assert received.receive(request_of(gauge("pg.up", time=2))) == 1
    assert received.dropped() == {"taken": 1}
    received.taken = ()
    received.shown()
    received.receive(request_of(gauge("pg.up", time=3)))
    assert received.shown() == {"kept": 1, "pg_up": 1}


def test_resource_attributes_are_promoted_below_those_of_the_point_and_scopes_may_be_left_out() -> None:
    received = Received(promote_resource_attributes=["service.name", "host.name", "absent"], scope_labels=False)
    request = request_of(gauge("g"), gauge("g", 2, host_name="mine"), service_name="shop", host_name="a")
    request.resource_metrics[0].scope_metrics[0].scope.name = "lib"
    received.receive(request)
    shown = received.shown()
    assert shown['g{host_name="a",job="shop",service_name="shop"}'] == 1
    assert shown['g{host_name="mine",job="shop",service_name="shop"}'] == 2


@pytest.mark.parametrize(
    ("settings", "reason", "kept"),
    [
        ({"max_samples": 7}, "max_samples", 7),
        ({"max_series_per_metric": 5}, "max_series_per_metric", 5),
        ({"max_samples_per_resource": 6}, "max_samples_per_resource", 6),
    ],
)
def test_series_over_a_limit_are_dropped_and_counted_and_the_others_go_on(
    settings: dict[str, Any], reason: str, kept: int
) -> None:
    received = Received(**settings)
    points = [gauge("g", user=str(number)) for number in range(20)]
    kept -= reason == "max_samples"  # the resource takes one
    assert received.receive(request_of(*points)) == 20 - kept
    assert received.dropped() == {reason: 20 - kept}
    received.receive(request_of(gauge("g", 9, time=2, user="0")))
    assert len(received.shown()) == kept
    assert received.shown()['g{user="0"}'] == 9


def test_what_ends_makes_room_for_others() -> None:
    received = Received(max_series_per_metric=1, max_samples=2)
    received.receive(request_of(gauge("g", user="a")), NOW)
    assert received.receive(request_of(gauge("g", user="b")), NOW) == 1
    received.shown(NOW + 301)
    assert received.receive(request_of(gauge("g", user="b")), NOW + 301) == 0


def test_metrics_over_their_limit_are_dropped() -> None:
    received = Received(max_metrics=2)
    assert received.receive(request_of(*[gauge(f"g{number}") for number in range(5)])) == 3
    assert received.dropped() == {"max_metrics": 3}


def test_a_point_with_long_labels_and_a_metric_with_a_long_name_are_dropped() -> None:
    received = Received(max_label_characters=20)
    dropped = received.receive(request_of(gauge("g", key="x" * 17), gauge("g", key="x" * 18), gauge("n" * 256)))
    assert dropped == 2
    assert received.dropped() == {"max_label_characters": 1, "name": 1}
    assert [*received.shown()] == ['g{key="' + "x" * 17 + '"}']


def test_target_info_holds_no_more_than_a_series_may() -> None:
    received = Received(max_label_characters=40)
    received.receive(request_of(gauge("g"), service_name="shop", a_long="x" * 60, b_short="y"))
    assert 'target_info{b_short="y",job="shop"}' in received.shown()


@pytest.mark.parametrize("what", ["attribute", "service", "metric"])
def test_ten_thousand_distinct_ones_take_no_more_than_the_limits(what: str) -> None:
    received = Received(max_samples=500, max_samples_per_resource=400, max_series_per_metric=300, max_metrics=200)

    def receive(first: int, count: int) -> None:
        for number in range(first, first + count, 100):
            names = [f"v{at}" for at in range(number, number + 100)]
            if what == "attribute":
                received.receive(request_of(*[gauge("g", key=name) for name in names]))
            elif what == "metric":
                received.receive(request_of(*[gauge(name) for name in names]))
            else:
                of_resources = [request_of(gauge("g"), service_name=name).resource_metrics[0] for name in names]
                received.receive(ExportMetricsServiceRequest(resource_metrics=of_resources))

    receive(0, 5_000)
    shown = received.shown()
    assert 100 < len(shown) <= 500
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    receive(5_000, 5_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received.shown() == shown
    assert sum(received.dropped().values()) == 10_000 - len(shown)
    assert after - before < 16 << 20


def test_what_is_remembered_is_forgotten_when_it_is_much_and_counts_go_on(
    received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_REMEMBERED_BYTES", 100)
    for time in range(1, 5):
        received.receive(request_of(counter("c", 2, time, temporality=1), gauge("g", key="x" * 200)))
    assert received.shown()["c_total"] == 8


def test_what_is_forgotten_is_gone_before_the_garbage_collector_comes(
    received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_REMEMBERED_BYTES", 100)
    received.receive(request_of(gauge("g", key="x")))
    seen = [weakref.ref(stream) for known in received.store._origins.values() for stream in known.streams.values()]
    gc.disable()
    try:
        received.receive(request_of(gauge("h", key="y"), service_name="other"))
        assert len(seen) == 1
        assert seen[0]() is None
    finally:
        gc.enable()


def test_series_that_come_and_go_leave_nothing_behind() -> None:
    received = Received(expire_seconds=10)
    for number in range(40):
        received.receive(request_of(*[gauge("g", key=f"{number}/{at}") for at in range(100)]), NOW + number * 100)
        assert len(received.shown(NOW + number * 100)) == 100
    origins = received.store._origins.values()
    remembered = [len(origin.streams) for origin in origins]
    known = [len(stream.known) for origin in origins for stream in origin.streams.values()]
    assert remembered == [1]
    assert sum(known) <= 1_300


def test_a_large_family_comes_in_parts_and_all_of_a_series_in_one() -> None:
    received = Received()
    found = [histogram((1, [1, 2, 3, 4])) for _ in range(300)]
    for number, metric in enumerate(found):
        metric.histogram.data_points[0].attributes.extend(attributes(key=str(number)))
    received.receive(request_of(*found))
    parts = [item.samples for item in received.all() if item.family.name == "x"]
    assert len(parts) > 1
    assert max(map(len, parts)) <= 600
    assert all(len(part) % 6 == 0 for part in parts)


def test_while_families_are_read_others_may_come_and_go(received: Received) -> None:
    received.receive(request_of(gauge("a"), gauge("b"), gauge("c")))
    reading = received.store.families(NOW)
    names = [next(reading).family.name]
    received.store._families.give_way(["b"])
    received.receive(request_of(gauge("d")))
    names += [item.family.name for item in reading if item.samples]
    assert names[:2] == ["a", "c"]
    assert "d" in received.shown()


@given(st.binary(max_size=60), st.data())
def test_points_of_any_bytes_are_taken_or_dropped(noise: bytes, data: st.DataObject) -> None:
    body = bytearray(request_of(histogram((1, [1, 2, 3, 4])), sums((1, 2.0)), service_name="shop").SerializeToString())
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, len(noise)))] = noise
    received = Received()
    try:
        batches = list(MetricBatches(bytes(body), NOW))
    except SenderError:
        return
    for batch in batches:
        assert 0 <= received.store.accept(batch) <= len(batch)
    received.all()


def test_labels_and_names_are_masked_and_targets_are_still_told_apart() -> None:
    received = Received(redact=Redactor(RedactConfig()))
    for who in ("bob", "eve"):
        request = request_of(gauge("x", 1, way=f"{who}@example.com"), service_name=f"{who}@example.com")
        scope = request.resource_metrics[0].scope_metrics[0]
        scope.scope.attributes.extend(attributes(mail="eve@example.com"))
        scope.metrics[0].description = f"of {who}@example.com"
        received.receive(request)
    shown = received.shown()
    assert len(shown) == 2
    assert all('otel_scope_mail="***"' in name and 'way="***"' in name and 'job="***-' in name for name in shown)
    assert "example" not in repr([*received.store.families(NOW)])


def test_a_clock_that_is_set_back_has_no_data_points_refused(received: Received) -> None:
    assert received.receive(request_of(counter("orders", 5, time=86_400 * 10**9)), NOW + 86_400) == 0
    received.ahead_seconds = -86_400
    assert received.receive(request_of(counter("orders", 7, time=20)), NOW + 86_400) == 0
    assert received.receive(request_of(counter("orders", 6, time=10)), NOW + 86_400) == 1
    assert received.shown(NOW + 86_400) == {"orders_total": 7}
