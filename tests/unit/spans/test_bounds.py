"""Floods: of distinct routes, names, services, values and resources, memory stays as it is and the counters tell."""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.spans import endpoints, exceptions, observe
from sidecar.spans.error_groups import store
from sidecar.spans.error_groups.config import ErrorGroupsConfig
from sidecar.spans.insights import Insights, InsightSettings
from sidecar.spans.queries.config import NPlusOneConfig, QueriesConfig
from sidecar.spans.service_graph import halves, known
from sidecar.spans.window import table
from tests.unit.spans.pipelines import CALLS, ERRORS, OVERFLOWED, pipeline, shown

SPANS = 6_000
HTTP = {"http.request.method": "GET"}
FEW = InsightSettings(
    errors=ErrorGroupsConfig(max_groups=50),
    queries=QueriesConfig(max_queries=50, n_plus_one=NPlusOneConfig(max_pending_spans=1000)),
)
Make = Callable[[Any, int], Any]

FLOODS: dict[str, Make] = {
    "span names": lambda span_of, n: span_of(f"n{n}"),
    "routes": lambda span_of, n: span_of(attributes={**HTTP, "http.route": f"/{n}"}),
    "hosts that are called": lambda span_of, n: span_of(kind="CLIENT", attributes={**HTTP, "server.address": f"h{n}"}),
    "collections": lambda span_of, n: span_of(
        kind="CLIENT", attributes={"db.system.name": "x", "db.collection.name": f"t{n}"}
    ),
    "destinations": lambda span_of, n: span_of(
        kind="PRODUCER", attributes={"messaging.system": "x", "messaging.destination.name": f"q{n}"}
    ),
    "values of a dimension": lambda span_of, n: span_of(attributes={"tenant": f"t{n}"}),
    "durations": lambda span_of, n: span_of(seconds=1.01 ** (n % 2000) / 1000),
    "trace states": lambda span_of, n: span_of(trace_state=f"ot=th:8;rv:{2**55 + n:014x}"),
    "types of errors": lambda span_of, n: span_of(status=2, attributes={"error.type": f"E{n}"}),
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the caches small, so that a few thousand spans fill them."""
    monkeypatch.setattr(observe, "_SHAPES", 1000)
    monkeypatch.setattr(observe, "_ORIGINS", 100)
    monkeypatch.setattr(observe, "_RESOURCES", 100)
    monkeypatch.setattr(exceptions, "REMEMBERED", 200)
    monkeypatch.setattr(table, "REMEMBERED", 250)
    monkeypatch.setattr(endpoints, "_REMEMBERED", 200)
    monkeypatch.setattr(store, "_REMEMBERED_STACKS", 100)
    monkeypatch.setattr(halves, "MOST", 200)
    monkeypatch.setattr(known, "REMEMBERED", 500)


def grown_bytes(feed: Callable[[int], None]) -> int:
    """Return by how much memory grew over the second half of a flood."""
    tracemalloc.start()
    try:
        for start in range(0, SPANS // 2, 500):
            feed(start)
        before = held_bytes()
        for start in range(SPANS // 2, SPANS, 500):
            feed(start)
        return held_bytes() - before
    finally:
        tracemalloc.stop()


def held_bytes() -> int:
    """Return the memory that is held, without what only waits for the collector of garbage."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("flood", FLOODS)
def test_memory_does_not_grow_with_distinct(flood: str, span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(Insights(FEW), max_samples=3000, dimensions=[{"name": "tenant"}])

    def feed(start: int) -> None:
        numbers = range(start, start + 500)
        ids = [{"trace_id": n.to_bytes(16, "big"), "span_id": n.to_bytes(8, "big")} for n in numbers]
        spans = [FLOODS[flood](span_of, n) for n in numbers]
        for span, of in zip(spans, ids, strict=True):
            span.trace_id, span.span_id = of["trace_id"], of["span_id"]
        subject.accept(batch_of(*spans, now=1e6 + start / 1000))

    assert grown_bytes(feed) < 500_000
    families = shown(subject, 1e6 + 100)
    calls = values_of(families, CALLS, "service_name", "span_name", "tenant", "otel_metric_overflow", "status_code")
    assert sum(calls.values()) == SPANS * (2 if flood == "trace states" else 1)
    assert sum(len(item.samples) for item in families) <= 3000


@pytest.mark.parametrize("what", ["services", "resources"])
def test_memory_does_not_grow_with_distinct_services_or_resources(
    what: str, span_of: Any, batch_of: Any, values_of: Any
) -> None:
    subject = pipeline(Insights(FEW), max_samples=3000)

    def feed(start: int) -> None:
        for number in range(start, start + 500, 10):
            spans = [span_of(status=2, trace_id=b"%016d" % number)] * 10
            subject.accept(batch_of(*spans, service=f"s{number}" if what == "services" else "shop", host=f"h{number}"))

    assert grown_bytes(feed) < 500_000
    families = shown(subject, 1000.0)
    assert sum(values_of(families, CALLS, "service_name").values()) == SPANS
    lost = values_of(families, OVERFLOWED, "metric")
    assert (lost[CALLS,] == SPANS - 10 * 10) if what == "services" else (lost[CALLS,] == 0)
    assert bool(lost[ERRORS,]) == (what == "services")


def test_very_many_new_groups_at_once_are_counted_but_not_all_opened(span_of: Any, batch_of: Any) -> None:
    insights = Insights(FEW)
    subject = pipeline(insights)
    spans = [span_of(status=2, trace_id=b"%016d" % n, attributes={"error.type": f"E{n}"}) for n in range(500)]
    subject.accept(batch_of(*spans, now=1e6))
    assert insights.look(1e6 + 5)
    assert 50 <= insights.errors.opened <= 70
    counts = {
        sample.name: sample.value for item in shown(subject, 1e6 + 5) for sample in item.samples if not sample.labels
    }
    assert counts["sidecar_errors_ungrouped_total"] == 500 - insights.errors.opened


LONG = 20_000
LONG_THINGS: dict[str, Make] = {
    "trace ids": lambda span_of, n: span_of(status=2, trace_id=n.to_bytes(LONG, "big")),
    "span ids": lambda span_of, n: span_of(status=2, trace_id=b"%016d" % n, span_id=n.to_bytes(LONG, "big")),
    "names": lambda span_of, n: span_of("x" * LONG + str(n), status=2),
    "statements": lambda span_of, n: span_of(
        kind="CLIENT", trace_id=n.to_bytes(LONG, "big"), attributes={"db.system.name": "x", "db.query.text": f"Q{n}"}
    ),
}


@pytest.mark.parametrize("what", LONG_THINGS)
def test_memory_does_not_grow_with_long(what: str, span_of: Any, batch_of: Any) -> None:
    subject = pipeline(Insights(FEW), max_samples=3000)

    def feed(start: int) -> None:
        for number in range(start, start + 500, 25):
            subject.accept(batch_of(LONG_THINGS[what](span_of, number), now=1e6))

    assert grown_bytes(feed) < 20 * LONG


def test_over_days_of_new_names_the_latest_always_have_room(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(max_series_per_service=50, expire_after_seconds=3600)
    for hour in range(48):
        now = 1e6 + 4000 * hour
        shown(subject, now)
        subject.accept(batch_of(*[span_of(f"{hour}-{number}") for number in range(40)], now=now))
        found = values_of(shown(subject, now), CALLS, "span_name", "otel_metric_overflow")
        assert found == {(f"{hour}-{number}", ""): 1 for number in range(40)}
