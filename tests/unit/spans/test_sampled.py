"""Sampled traces count as what they stand for."""

from typing import Any

import numpy as np
import pytest

from tests.unit.spans.pipelines import CALLS, DURATION, ERRORS, OVERFLOWED, REQUESTS, pipeline, shown

HTTP = {"http.request.method": "GET", "http.route": "/a", "http.response.status_code": 200}


def test_every_count_is_the_sum_of_adjusted_counts(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1, 1.0))
    subject.accept(
        batch_of(
            span_of(seconds=0.05, attributes=HTTP),
            span_of(seconds=0.5, attributes=HTTP, trace_state="ot=th:8"),
            span_of(seconds=0.5, attributes=HTTP, trace_state="ot=th:c"),
            span_of(seconds=5, attributes=HTTP, trace_state="vendor=1"),
        )
    )
    families = shown(subject, 1000.0)
    assert values_of(families, CALLS, "span_name") == {("op",): 8}
    assert values_of(families, REQUESTS, "route") == {("/a",): 8}
    assert values_of(families, f"{DURATION}_bucket", "le") == {("0.1",): 1, ("1",): 7, ("+Inf",): 8}
    assert values_of(families, f"{DURATION}_sum", "span_name") == {("op",): pytest.approx(0.05 + 0.5 * 6 + 5)}


def test_a_count_may_be_a_fraction(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(trace_state="ot=th:4")))
    assert values_of(shown(subject, 1000.0), CALLS, "span_name") == {("op",): pytest.approx(4 / 3)}


def test_percentiles_rates_and_ratios_are_those_of_all_requests(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    fast = [span_of(seconds=0.1, attributes=HTTP, trace_state="ot=th:f")] * 9
    slow = [span_of(seconds=2, attributes=HTTP, status=2)] * 16
    subject.accept(batch_of(*fast, *slow))
    families = shown(subject, 1280.0)
    found = values_of(families, "sidecar_endpoint_latency_seconds", "window", "quantile")
    assert found["5m", "0.9"] == pytest.approx(0.1, rel=0.011)
    assert found["5m", "0.95"] == pytest.approx(2, rel=0.011)
    assert values_of(families, "sidecar_endpoint_error_ratio", "route") == {("/a",): pytest.approx(0.1)}
    rate = values_of(families, "sidecar_endpoint_requests_per_second", "route")
    assert rate["/a",] == pytest.approx(160 / 280)


def test_an_error_stands_for_as_many_as_its_span(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    failed = [
        span_of(
            kind="INTERNAL", status=2, trace_id=b"%016d" % number, trace_state=state, attributes={"error.type": "E"}
        )
        for number, state in enumerate(("ot=th:8", ""))
    ]
    subject.accept(batch_of(*failed))
    assert values_of(shown(subject, 1010.0), ERRORS, "type") == {("E",): 3}


def test_overflow_counts_what_its_spans_stand_for(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(max_series_per_service=1)
    subject.accept(batch_of(span_of("a"), span_of("b", trace_state="ot=th:8"), span_of("c")))
    families = shown(subject, 1000.0)
    assert values_of(families, CALLS, "otel_metric_overflow") == {("",): 1, ("true",): 3}
    assert values_of(families, OVERFLOWED, "metric")[CALLS,] == 3


def test_sampling_at_random_keeps_counts_and_percentiles(span_of: Any, batch_of: Any, values_of: Any) -> None:
    chance = np.random.default_rng(1)
    seconds = chance.lognormal(-3, 1, 20_000)
    kept = seconds[chance.random(len(seconds)) < 0.25]
    subject = pipeline()
    for start in range(0, len(kept), 500):
        spans = [span_of(seconds=value, attributes=HTTP, trace_state="ot=th:c") for value in kept[start : start + 500]]
        subject.accept(batch_of(*spans))
    families = shown(subject, 1000.0)
    assert values_of(families, REQUESTS, "route")["/a",] == pytest.approx(len(seconds), rel=0.03)
    found = values_of(families, "sidecar_endpoint_latency_seconds", "window", "quantile")
    assert found["1h", "0.5"] == pytest.approx(np.quantile(seconds, 0.5), rel=0.05)
