"""Exemplars: which span stands behind which bucket, and for how long."""

from typing import Any

import pytest

from sidecar.codec.exposition import Format, encode
from sidecar.model.family import Exemplar, FamilySamples
from sidecar.spans.insights import Insights
from tests.openmetrics import openmetrics_families
from tests.unit.spans.pipelines import DURATION, pipeline, shown


def exemplars_of(families: list[FamilySamples], name: str = DURATION) -> dict[tuple[str, str], Exemplar]:
    """Return the exemplars of a histogram by span name and bound."""
    found = {}
    for item in families:
        if item.family.name == name:
            for place, exemplar in item.exemplars.items():
                labels = dict(item.samples[place].labels)
                assert item.samples[place].name == f"{name}_bucket"
                found[labels["span_name"], labels["le"]] = exemplar
    return found


def traced(span_of: Any, number: int, name: str = "op", **more: Any) -> Any:
    return span_of(name, trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"), **more)


def test_each_bucket_has_the_last_of_its_own_spans(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1, 1.0))
    seconds = {1: 0.05, 2: 0.1, 3: 0.5, 4: 30.0}
    subject.accept(batch_of(*[traced(span_of, number, seconds=value) for number, value in seconds.items()], now=1000.5))
    found = exemplars_of(shown(subject, 1000.0))
    expected = {("op", "0.1"): 2, ("op", "1"): 3, ("op", "+Inf"): 4}
    assert found == {
        series: Exemplar(number.to_bytes(16, "big"), number.to_bytes(8, "big"), seconds[number], 1000.5)
        for series, number in expected.items()
    }


def test_a_newer_span_takes_its_place_once_a_second_has_passed(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1,))
    for number, now in enumerate((1000.0, 1000.9, 1001.0, 1001.5)):
        subject.accept(batch_of(traced(span_of, number), now=now))
    assert exemplars_of(shown(subject, 1002.0))["op", "+Inf"].span_id == (2).to_bytes(8, "big")


def test_a_clock_that_is_set_back_does_not_keep_an_exemplar(span_of: Any, batch_of: Any) -> None:
    ahead = [5000.0]
    subject = pipeline(Insights(wall=lambda at: at + ahead[0]), buckets_seconds=(0.1,))
    subject.accept(batch_of(traced(span_of, 1), now=1000.0))
    ahead[0] = 0.0
    subject.accept(batch_of(traced(span_of, 2, name="other"), now=1000.1))
    assert exemplars_of(shown(subject, 1002.0)).keys() == {("other", "+Inf")}
    subject.accept(batch_of(traced(span_of, 3), now=1002.0))
    assert exemplars_of(shown(subject, 1003.0))["op", "+Inf"].timestamp == 1002.0


@pytest.mark.parametrize(("trace_id", "span_id"), [(b"", b""), (b"x" * 16, b""), (b"x" * 15, b"y" * 8)])
def test_a_span_without_valid_ids_is_no_exemplar(span_of: Any, batch_of: Any, trace_id: bytes, span_id: bytes) -> None:
    subject = pipeline()
    subject.accept(batch_of(span_of(trace_id=trace_id, span_id=span_id)))
    assert exemplars_of(shown(subject, 1000.0)) == {}


def test_values_are_in_the_unit_of_the_histogram(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(names="collector_ms")
    subject.accept(batch_of(traced(span_of, 1, seconds=0.3)))
    found = exemplars_of(shown(subject, 1000.0), "traces_span_metrics_duration_milliseconds")
    assert {series: exemplar.value for series, exemplar in found.items()} == {("op", "400"): pytest.approx(300)}


def test_exemplars_stay_with_their_series_when_others_go(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(buckets_seconds=(0.1,), expire_after_seconds=100)
    subject.accept(batch_of(*[traced(span_of, number, f"n{number}") for number in range(5)], now=1000.0))
    subject.accept(batch_of(*[traced(span_of, 10 + number, f"n{number}") for number in (1, 4)], now=1090.0))
    found = exemplars_of(shown(subject, 1150.0))
    assert {series: exemplar.span_id[-1] for series, exemplar in found.items()} == {
        ("n1", "+Inf"): 11,
        ("n4", "+Inf"): 14,
    }
    subject.accept(batch_of(traced(span_of, 21, "n1"), traced(span_of, 22, "n2"), now=1150.5))
    found = exemplars_of(shown(subject, 1151.0))
    assert {series[0]: exemplar.span_id[-1] for series, exemplar in found.items()} == {"n1": 21, "n4": 14, "n2": 22}


def test_in_parts_of_very_many_series_each_has_its_own(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(max_samples=20_000)
    subject.accept(batch_of(*[traced(span_of, 1 + number, f"n{number}") for number in range(180)]))
    families = shown(subject, 1000.0)
    assert len([item for item in families if item.family.name == DURATION]) > 2
    found = exemplars_of(families)
    assert {name: int.from_bytes(exemplar.span_id, "big") for (name, _), exemplar in found.items()} == {
        f"n{number}": 1 + number for number in range(180)
    }


def test_the_page_is_openmetrics(span_of: Any, batch_of: Any) -> None:
    subject = pipeline()
    http = {"http.request.method": "GET"}
    subject.accept(batch_of(*[traced(span_of, number, seconds=number / 10, attributes=http) for number in range(40)]))
    histograms = [item for item in shown(subject, 1000.0) if item.samples and item.family.type.value == "histogram"]
    page = encode(histograms, Format.OPENMETRICS).decode()
    samples = [sample for family in openmetrics_families(page) for sample in family.samples]
    found = [(sample.exemplar.value, float(sample.labels["le"])) for sample in samples if sample.exemplar]
    assert len(found) > 10
    assert all(value <= bound for value, bound in found)
