"""Columns of series that stay the same: the head has of them what it has of the same samples one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.sample_columns import SampleColumns, SeriesNames
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from sidecar.tsdb.rows import Rows

FAMILY = Family("x", MetricType.GAUGE, "")
TARGETS = [labels_of({"job": "shop", "instance": f"pod-{number}"}) for number in range(2)]
EVERYTHING = [Matcher("__name__", MatchOp.NOT_EQUAL, "")]


def series(*numbers: int) -> SeriesNames:
    return SeriesNames(["x"] * len(numbers), [(("n", str(number)),) for number in numbers])


KEPT = [series(0, 1, 2), series(2, 3, 3), series(4), series(), series(*range(5, 120))]
"""Some share a series, one has a series twice."""


def contents(head: Head) -> object:
    """Return all that a reader sees, with the markers as bits."""
    found = {}
    for block in head.select(EVERYTHING, 0, 10**15):
        for labels, row in zip(block.labels, block.values.view(np.int64).tolist(), strict=True):
            found[labels] = dict(zip(block.times.tolist(), row, strict=True))
    return found, head.refused_total, head.duplicates_total, head.series_count, head.series_by_source


turns = st.lists(
    st.tuples(
        st.lists(st.integers(0, len(KEPT) - 1), max_size=4),
        st.sampled_from(["loose", "none"]),
        st.sampled_from(TARGETS),
        st.sampled_from([-500, 1, 60, 4000]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=50,
)


@given(turns, st.sampled_from([100, 1000]))
def test_columns_are_kept_as_the_same_samples_one_by_one(
    steps: list[tuple[list[int], str, tuple[tuple[str, str], ...], int, str]], max_series: int
) -> None:
    subject, reference = (Head(HeadConfig(max_series=max_series, retention_seconds=60)) for _ in range(2))
    now_ms = 1_000_000
    for chosen, loose, target, passed_ms, source in steps:
        now_ms += passed_ms
        families = [
            FamilySamples(FAMILY, SampleColumns(KEPT[place], np.arange(now_ms, now_ms + len(KEPT[place].names), 1.0)))
            for place in chosen
        ]
        if loose == "loose":
            families.insert(1, FamilySamples(FAMILY, [Sample("x", (("n", "1"),), 5.0), Sample("y", (), 6.0)]))
        batch = SampleBatch(source, now_ms, target, families)
        plain = [given._replace(samples=list(given.samples)) for given in families]
        assert subject.accept(batch) == reference.accept(replace(batch, families=plain))
        assert contents(subject) == contents(reference)


def test_series_that_were_located_are_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    head = Head(HeadConfig())
    columns = SampleColumns(series(1, 2), np.array([1.0, 2.0]))
    head.accept(SampleBatch("a", 1000, TARGETS[0], [FamilySamples(FAMILY, columns)]))
    monkeypatch.setattr(Rows, "locate", None)
    negative = SampleColumns(columns.series, -columns.values)
    head.accept(SampleBatch("a", 2000, TARGETS[0], [FamilySamples(FAMILY, negative)]))
    assert [block.values.tolist() for block in head.select(EVERYTHING, 0, 5000)] == [[[1.0, -1.0], [2.0, -2.0]]]


def test_nothing_is_kept_of_series_that_nobody_has_any_more() -> None:
    head = Head(HeadConfig())
    for time_ms in range(1000, 5000, 1000):
        given = FamilySamples(FAMILY, SampleColumns(series(1, 2), np.array([1.0, 2.0])))
        head.accept(SampleBatch("a", time_ms, TARGETS[0], [given]))
        del given
    assert len(head._blocks["a"]._rows.of_series) == 0
