"""Series that nobody was seen of for long: they go, what they took is free, and nobody else is touched."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.app.registry import SPAN_STAGES
from sidecar.derive.limits import Budget
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.insights import Insights
from sidecar.spans.latency import WINDOWS
from sidecar.spans.pipeline import Pipeline
from sidecar.spans.window.window import Window
from tests.unit.spans.pipelines import CALLS, DURATION, ERRORS, OVERFLOWED, pipeline, shown

HTTP = {"http.request.method": "GET"}


def test_a_series_goes_when_it_was_not_seen_for_long_and_starts_anew_when_it_comes_back(
    span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(expire_after_seconds=100)
    subject.accept(batch_of(span_of("old"), span_of("both"), now=1000.0))
    subject.accept(batch_of(span_of("both"), now=1060.0))
    assert values_of(shown(subject, 1100.0), CALLS, "span_name") == {("old",): 1, ("both",): 2}
    families = shown(subject, 1101.0)
    assert values_of(families, CALLS, "span_name") == {("both",): 2}
    assert values_of(families, f"{DURATION}_count", "span_name") == {("both",): 2}
    subject.accept(batch_of(span_of("old", seconds=3), span_of("both"), now=1110.0))
    families = shown(subject, 1111.0)
    assert values_of(families, CALLS, "span_name") == {("both",): 3, ("old",): 1}
    assert values_of(families, f"{DURATION}_sum", "span_name") == pytest.approx({("both",): 0.6, ("old",): 3})


def test_every_metric_forgets(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(expire_after_seconds=100)
    query = {"db.system.name": "postgresql", "db.operation.name": "SELECT"}
    subject.accept(
        batch_of(
            span_of(attributes=HTTP, status=2),
            span_of(kind="CLIENT", attributes=HTTP),
            span_of(kind="CLIENT", attributes=query),
            span_of(kind="CONSUMER", attributes={"messaging.system": "kafka"}),
        )
    )
    assert len({item.family.name for item in shown(subject, 1000.0) if item.samples}) > len(SPAN_STAGES)
    left = [sample for item in shown(subject, 1101.0) for sample in item.samples]
    assert left
    assert not any(name in ("service", "service_name") for sample in left for name, _ in sample.labels)


def test_without_a_time_nothing_goes(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(expire_after_seconds=0)
    subject.accept(batch_of(span_of(), now=1000.0))
    assert values_of(shown(subject, 1e9), CALLS, "span_name") == {("op",): 1}


def test_by_default_what_happens_once_a_day_keeps_its_counter(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline()
    for day in range(3):
        subject.accept(batch_of(span_of(), now=1e6 + 86_400 * day))
        assert values_of(shown(subject, 1e6 + 86_400 * (day + 1)), CALLS, "span_name") == {("op",): day + 1}
    assert SpansConfig().expire_after_seconds > max(window.seconds for window in WINDOWS.values())


def test_room_in_the_limits_is_free_again_for_those_that_had_none(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(expire_after_seconds=100, max_series_per_service=2, max_services=1)
    subject.accept(batch_of(*[span_of(f"n{number}") for number in range(4)], now=1000.0))
    subject.accept(batch_of(span_of("n"), service="other", now=1000.0))
    assert values_of(shown(subject, 1000.0), CALLS, "service_name", "span_name") == {
        ("shop", "n0"): 1,
        ("shop", "n1"): 1,
        ("shop", ""): 2,
        ("", ""): 1,
    }
    subject.accept(batch_of(span_of("n1"), now=1090.0))
    shown(subject, 1101.0)
    for name in ("n3", "n2"):
        subject.accept(batch_of(span_of(name), now=1102.0))
    found = values_of(shown(subject, 1102.0), CALLS, "service_name", "span_name")
    assert found == {("shop", "n1"): 2, ("shop", "n3"): 1, ("shop", ""): 1}
    shown(subject, 1300.0)
    subject.accept(batch_of(span_of("n"), service="other", now=1300.0))
    assert values_of(shown(subject, 1300.0), CALLS, "service_name", "span_name") == {("other", "n"): 1}


def test_what_went_to_overflow_stays_counted(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(expire_after_seconds=100, max_series_per_service=1)
    for now in (1000.0, 2000.0):
        subject.accept(batch_of(span_of("a"), span_of("b"), span_of("c"), now=now))
        assert values_of(shown(subject, now), OVERFLOWED, "metric")[CALLS,] == 2 * now / 1000
    assert values_of(shown(subject, 3000.0), CALLS, "span_name") == {}
    assert values_of(shown(subject, 3000.0), OVERFLOWED, "metric")[CALLS,] == 4


def test_the_whole_budget_comes_back(span_of: Any, batch_of: Any) -> None:
    config, insights, budget = SpansConfig(expire_after_seconds=100), Insights(), Budget(2000)
    context = StageContext(config, budget, insights, Window(lambda: insights.queries.config.n_plus_one))
    subject = Pipeline(config, [make(context) for make in SPAN_STAGES], (), insights.redactor)
    left = budget.left
    for turn in range(5):
        now = 1000.0 + 1000 * turn
        failed = [
            span_of(f"n{turn}-{number}", status=2, attributes={**HTTP, "http.route": f"/{turn}/{number}"})
            for number in range(200)
        ]
        for service in range(12):
            subject.accept(batch_of(*failed, service=f"s{service}", now=now))
        shown(subject, now)
        assert 0 <= budget.left < 200
        shown(subject, now + 500)
        assert budget.left == left


def test_a_series_that_takes_the_row_of_another_has_nothing_of_it(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(expire_after_seconds=50)
    subject.accept(batch_of(span_of("a", kind="CLIENT", seconds=9), now=1000.0))
    shown(subject, 1000.0)
    subject.accept(batch_of(span_of("b", kind="CLIENT", seconds=0.1), now=1100.0))
    found = values_of(shown(subject, 1100.0), "sidecar_dependency_latency_seconds", "span_name", "window", "quantile")
    assert found["b", "1h", "0.999"] == pytest.approx(0.1, rel=0.011)
    assert {name for name, _, _ in found} == {"b"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 60), st.lists(st.sampled_from("abcdef"), max_size=6)), max_size=30))
def test_counts_are_those_since_a_series_last_came_back(
    span_of: Any, batch_of: Any, values_of: Any, steps: list[tuple[int, list[str]]]
) -> None:
    subject = pipeline(expire_after_seconds=100)
    now, counts, seen = 1000.0, dict[str, int](), dict[str, float]()
    for step, (passed, names) in enumerate(steps):
        now += passed
        for name in [name for name in counts if seen[name] < now - 100]:
            del counts[name]
        shown(subject, now)
        for name in names:
            counts[name], seen[name] = counts.get(name, 0) + 1, now
        if names:
            failed = [span_of(name, status=2, attributes={"error.type": name}) for name in names]
            for number, span in enumerate(failed):
                span.trace_id = b"%d/%d" % (step, number)
            subject.accept(batch_of(*failed, now=now))
    families = shown(subject, now)
    assert values_of(families, CALLS, "span_name") == {(name,): count for name, count in counts.items()}
    assert values_of(families, f"{DURATION}_count", "span_name") == {(name,): count for name, count in counts.items()}
    assert values_of(families, ERRORS, "type") == {(name,): count for name, count in counts.items()}
    routes = values_of(families, "sidecar_endpoint_latency_seconds", "route", "window")
    assert {route for route, window in routes if window == "24h"} == set(counts)
