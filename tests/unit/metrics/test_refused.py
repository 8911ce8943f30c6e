"""What becomes of data points that cannot be shown as they are: nothing is lost in silence, and the reason is told."""

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)

from tests.unit.metrics.conftest import BEGIN, NOW, Received, attributes, counter, gauge, request_of

CUMULATIVE, DELTA = 2, 1
INF = float("inf")


def histogram(
    bounds: list[float], counts: list[int], temporality: int = CUMULATIVE, time: int = 1, **labels: str
) -> Metric:
    point = HistogramDataPoint(
        time_unix_nano=time,
        count=sum(counts),
        explicit_bounds=bounds,
        bucket_counts=counts,
        attributes=attributes(**labels),
    )
    return Metric(name="h", histogram=Histogram(data_points=[point], aggregation_temporality=temporality))  # type: ignore[arg-type]


def of_attributes(*each: dict[str, AnyValue], temporality: int = 0) -> Metric:
    """Return a metric with a data point for each, of values 1, 2, ..."""
    points = [
        NumberDataPoint(as_double=number, time_unix_nano=1, attributes=[KeyValue(key=key, value=of[key]) for key in of])
        for number, of in enumerate(each, 1)
    ]
    if temporality:
        return Metric(name="g", sum=Sum(data_points=points, is_monotonic=True, aggregation_temporality=temporality))  # type: ignore[arg-type]
    return Metric(name="g", gauge=Gauge(data_points=points))


def text(value: str) -> AnyValue:
    return AnyValue(string_value=value)


def mapped(value: str) -> AnyValue:
    found = AnyValue()
    found.kvlist_value.values.add(key="k").value.string_value = value
    return found


@pytest.mark.parametrize("temporality", [CUMULATIVE, DELTA])
def test_points_that_differ_only_in_a_name_that_histograms_use_both_survive(
    received: Received, temporality: int
) -> None:
    found = [histogram([1], [number, 0], temporality, le=str(number)) for number in (1, 2)]
    assert received.receive(request_of(*found)) == 0
    shown = received.shown()
    assert (shown['h_count{exported_le="1"}'], shown['h_count{exported_le="2"}']) == (1, 2)
    assert shown['h_bucket{exported_le="2",le="1"}'] == 2


def test_points_that_differ_only_in_a_quantile_both_survive(received: Received) -> None:
    points = [SummaryDataPoint(time_unix_nano=1, count=n, attributes=attributes(quantile=str(n))) for n in (1, 2)]
    assert received.receive(request_of(Metric(name="s", summary=Summary(data_points=points)))) == 0
    assert received.shown()['s_count{exported_quantile="2"}'] == 2


@pytest.mark.parametrize("key", ["job", "instance"])
def test_points_that_differ_only_in_what_targets_are_called_both_survive(received: Received, key: str) -> None:
    request = request_of(gauge("g", 1, 1, **{key: "a"}), gauge("g", 2, 1, **{key: "b"}), service_name="x")
    request.resource_metrics[0].resource.attributes.add(key="service.instance.id").value.string_value = "y"
    assert received.receive(request) == 0
    assert sorted(received.shown().values()) == [1, 2]


def test_points_that_differ_only_in_what_scopes_are_called_both_survive(received: Received) -> None:
    request = request_of(of_attributes(*({"otel.scope.name": text(value)} for value in "ab")))
    request.resource_metrics[0].scope_metrics[0].scope.name = "lib"
    assert received.receive(request) == 0
    assert set(received.shown()) == {f'g{{exported_otel_scope_name="{value}",otel_scope_name="lib"}}' for value in "ab"}


@pytest.mark.parametrize("temporality", [0, CUMULATIVE, DELTA])
@pytest.mark.parametrize("value", [mapped, lambda value: AnyValue(bytes_value=value.encode())])
def test_points_that_differ_only_in_a_map_or_in_bytes_both_survive(
    received: Received, value: Any, temporality: int
) -> None:
    assert (
        received.receive(request_of(of_attributes({"x": value("a")}, {"x": value("b")}, temporality=temporality))) == 0
    )
    assert sorted(received.shown().values()) == [1, 2]


def test_target_info_keeps_an_attribute_called_like_a_target_and_a_map(received: Received) -> None:
    request = request_of(gauge("g"), service_name="x", job="mine")
    request.resource_metrics[0].resource.attributes.add(key="m", value=mapped("v"))
    received.receive(request)
    assert 'target_info{exported_job="mine",job="x",m="{"k":"v"}"}' in received.shown()


@pytest.mark.parametrize(
    "pair",
    [
        ({"a.b": text("1")}, {"a_b": text("1")}),
        ({"a": text("1")}, {"a": AnyValue(int_value=1)}),
        ({"a": text("")}, {}),
        ({"a.b": text("1;2")}, {"a.b": text("1"), "a_b": text("2")}),
    ],
)
@pytest.mark.parametrize("temporality", [0, CUMULATIVE, DELTA])
def test_of_points_that_get_the_same_labels_one_is_refused_and_told(
    received: Received, pair: tuple[dict[str, AnyValue], dict[str, AnyValue]], temporality: int
) -> None:
    refused = received.told_to_sender(request_of(of_attributes(*pair, temporality=temporality)))
    assert (refused.count, refused.invalid, [*received.shown().values()]) == (1, 1, [1])
    assert received.dropped() == {"same_labels": 1}
    ((reason, count),) = refused.reasons.items()
    assert (reason[:4], count) == ("`g` ", 1)
    assert [conflict.family for conflict in received.told] == ["g"]
    again = received.told_to_sender(request_of(of_attributes(pair[1], temporality=temporality)))
    assert again.count == int(temporality == DELTA)  # alone it goes on with the series; a delta's time was there


def test_metrics_whose_names_become_the_same_are_not_mixed(received: Received) -> None:
    assert received.receive(request_of(gauge("a.b", 1), gauge("a_b", 2))) == 1
    assert received.shown() == {"a_b": 1}
    assert received.dropped() == {"same_labels": 1}


@pytest.mark.parametrize(
    ("bounds", "counts", "expected"),
    [
        ([1, 2, INF], [1, 2, 3, 0], {"1": 1, "2": 3, "+Inf": 6}),
        ([1, 2, INF], [1, 2, 3, 4], {"1": 1, "2": 3, "+Inf": 10}),
        ([1, 2, INF], [1, 2, 3], {"1": 1, "2": 3, "+Inf": 6}),
        ([INF], [5, 0], {"+Inf": 5}),
        ([INF], [5], {"+Inf": 5}),
        ([-INF, 1], [0, 2, 3], {"1": 2, "+Inf": 5}),
        ([-INF, 1, INF], [1, 2, 3, 0], {"1": 3, "+Inf": 6}),
        ([-INF, INF], [0, 2, 0], {"+Inf": 2}),
    ],
)
def test_infinite_bounds_at_the_ends_are_what_they_say(
    received: Received, bounds: list[float], counts: list[int], expected: dict[str, int]
) -> None:
    assert received.receive(request_of(histogram(bounds, counts))) == 0
    assert received.shown() == {
        **{f'h_bucket{{le="{bound}"}}': count for bound, count in expected.items()},
        "h_count": expected["+Inf"],
    }


@pytest.mark.parametrize(
    ("metric", "reason", "words"),
    [
        (histogram([2, 1], [1, 1, 1]), "malformed", "rise"),
        (histogram([1, 1], [1, 1, 1]), "malformed", "rise"),
        (histogram([1, float("nan")], [1, 1, 1]), "malformed", "not a number"),
        (histogram([1, INF, 2], [1, 1, 1, 1]), "malformed", "not a number"),
        (histogram([INF, INF], [1, 1, 1]), "malformed", "not a number"),
        (histogram([1], [1]), "malformed", "1 buckets for 1 bounds"),
        (histogram([1, 2, INF], [1, 2]), "malformed", "buckets for"),
        (histogram([1], [1, 1], temporality=0), "temporality", "does not say"),
        (
            Metric(name="g", gauge=Gauge(data_points=[NumberDataPoint(time_unix_nano=1)])),
            "malformed",
            "without a value",
        ),
        (gauge("\N{SNOWMAN}"), "name", "letter"),
        (gauge("x" * 300), "name", "255"),
        (
            Metric(
                name="e",
                exponential_histogram=ExponentialHistogram(
                    data_points=[ExponentialHistogramDataPoint(time_unix_nano=1, count=5)],
                    aggregation_temporality=CUMULATIVE,  # type: ignore[arg-type]
                ),
            ),
            "malformed",
            "no buckets",
        ),
        (counter("c", -1, temporality=DELTA), "malformed", "negative"),
        (counter("c", float("nan"), temporality=DELTA), "malformed", "not a number"),
        (counter("c", INF, temporality=DELTA), "malformed", "infinite"),
        (
            Metric(name="u", sum=Sum(data_points=[NumberDataPoint(as_int=1)], aggregation_temporality=DELTA)),  # type: ignore[arg-type]
            "temporality",
            "may fall",
        ),
    ],
)
def test_sender_log_and_counter_are_told_which_metric_and_why(
    received: Received, metric: Metric, reason: str, words: str
) -> None:
    refused = received.told_to_sender(request_of(metric))
    ((told, count),) = refused.reasons.items()
    assert (refused.count, refused.invalid, count) == (1, 1, 1)
    assert told.startswith(f"`{metric.name[:100]}` ")
    assert words in told
    assert received.dropped() == {reason: 1}
    (conflict,) = received.told
    assert (conflict.family, words in conflict.problem) == (metric.name[:100], True)
    assert "limit" not in told + conflict.problem


def test_a_quantile_twice_is_refused(received: Received) -> None:
    point = SummaryDataPoint(time_unix_nano=1, count=1)
    for value in (1.0, 2.0):
        point.quantile_values.add(quantile=0.5, value=value)
    assert received.receive(request_of(Metric(name="s", summary=Summary(data_points=[point])))) == 1
    assert "twice" in received.told[0].problem


def test_another_type_and_an_earlier_time_are_told_too(received: Received) -> None:
    received.receive(request_of(gauge("a", time=5), counter("b", time=5)))
    refused = received.told_to_sender(request_of(counter("a.total"), gauge("b.total"), gauge("a", time=4)))
    assert received.dropped() == {"type": 1, "out_of_order": 1}
    assert sum(refused.reasons.values()) == refused.count == 2
    assert any("earlier time" in reason for reason in refused.reasons)
    assert any("there is the counter" in reason for reason in refused.reasons)
    assert {conflict.family for conflict in received.told} == {"b_total", "a"}


def test_only_limits_are_called_limits(received: Received) -> None:
    received = Received(max_series_per_metric=1)
    refused = received.told_to_sender(request_of(gauge("g", user="a"), gauge("g", user="b")))
    assert (refused.count, refused.invalid) == (1, 0)
    assert [*refused.reasons] == ["`g` is over the limit `max_series_per_metric`"]


def test_the_log_hears_of_the_same_once_an_hour_and_of_a_million_metrics_little(received: Received) -> None:
    for number in range(30):
        received.receive(request_of(*[gauge(f"{number}/{at}" + "x" * 300) for at in range(20)]))
    assert len(received.told) == 200
    received.told.clear()
    received.receive(request_of(gauge("x" * 300), gauge("x" * 301)), NOW + 3601)
    received.receive(request_of(gauge("x" * 300)), NOW + 3700)
    assert len(received.told) == 1


def test_secrets_in_names_are_told_nobody() -> None:
    received = Received(lambda key, value: "***" if "hunter2" in value else value)
    refused = received.told_to_sender(request_of(gauge("hunter2" + "x" * 300)))
    assert "hunter2" not in repr(refused.reasons) + repr(received.told)


@pytest.mark.parametrize("time", [2**64 - 1, BEGIN + 10**18, 5 * 10**17, 1_700_000_000 * 1000])
def test_a_time_that_cannot_be_is_that_of_receipt(received: Received, time: int) -> None:
    received.receive(request_of(gauge("g", 1, time=time)), NOW)
    assert received.receive(request_of(gauge("g", 2, time=round((NOW + 1) * 1e9))), NOW + 1) == 0
    assert received.shown(NOW + 1) == {"g": 2}


def sent_by(process: int, value: float, at: float, start: int = 0) -> tuple[ExportMetricsServiceRequest, float]:
    """Return what one of several processes with the same resource sends at `at` seconds."""
    point = NumberDataPoint(
        as_double=value,
        time_unix_nano=BEGIN + round(at * 1e9) + process,
        start_time_unix_nano=start and BEGIN + start,
    )
    metric = Metric(name="c", sum=Sum(data_points=[point], is_monotonic=True, aggregation_temporality=CUMULATIVE))  # type: ignore[arg-type]
    return request_of(metric, service_name="shop"), BEGIN / 1e9 + at


def two_writers(received: Received) -> float:
    (found,) = [item for item in received.all(0.0) if item.family.name == "sidecar_otlp_metrics_two_writers_total"]
    return found.samples[0].value


@pytest.mark.parametrize("starts", [(0, 0), (7, 9), (9, 7)])
def test_two_processes_with_one_resource_are_told_once(received: Received, starts: tuple[int, int]) -> None:
    for at in range(1, 20):
        for process, start in enumerate(starts):
            value = (100 if process else 10) + at
            received.receive(*sent_by(process, value, at + process / 2, start))
    assert two_writers(received) >= 15
    (conflict,) = received.told
    assert "two processes" in conflict.problem
    assert "`shop`" in conflict.problem
    assert "service.instance.id" in conflict.problem


def test_a_process_that_restarts_again_and_again_is_one(received: Received) -> None:
    for start in (0, 1):
        for at in range(40):
            begun = at - at % 4
            value = 1 + at % 4 * 3 + at / 100
            received.receive(*sent_by(0, value, 100 * start + at, start and 100 + begun))
    assert (two_writers(received), received.told) == (0, [])


def test_a_start_after_the_value_says_nothing_of_who_wrote_it(received: Received) -> None:
    for at in range(1, 10):
        received.receive(*sent_by(0, at, at, 10**18 if at < 3 else 1))
    assert (two_writers(received), received.told) == (0, [])


def test_a_gauge_that_falls_and_rises_has_one_writer(received: Received) -> None:
    for time in range(1, 20):
        received.receive(request_of(gauge("g", time % 2, time=time), service_name="shop"))
    assert (two_writers(received), received.told) == (0, [])
