"""Samples in columns: a sequence of samples like any other."""

import numpy as np

from sidecar.model.family import Sample
from sidecar.model.sample_columns import SampleColumns, SeriesNames, keys_of, same_samples, same_series

SERIES = SeriesNames(["a", "b"], [(("n", "1"),), ()])
SAMPLES = [Sample("a", (("n", "1"),), 1.0), Sample("b", (), 2.5)]


def columns(*values: float, series: SeriesNames = SERIES) -> SampleColumns:
    return SampleColumns(series, np.array(values))


def test_columns_are_a_sequence_of_samples() -> None:
    subject = columns(1.0, 2.5)
    assert [*subject] == SAMPLES
    assert [subject[0], subject[-1]] == SAMPLES
    assert subject[:1] == SAMPLES[:1]
    assert len(subject) == 2
    assert not columns(series=SeriesNames([], []))
    assert keys_of(subject) == keys_of(SAMPLES) == [("a", (("n", "1"),)), ("b", ())]


def test_series_are_the_same_by_their_names_and_samples_by_their_values_too() -> None:
    other = SeriesNames(SERIES.names, SERIES.labels)
    assert same_series(columns(1.0, 2.5), columns(3.0, 4.0))
    assert same_series(columns(1.0, 2.5), columns(3.0, 4.0, series=other))
    assert same_series(columns(1.0, 2.5), SAMPLES)
    assert not same_series(columns(1.0, 2.5), SAMPLES[:1])
    nan = float("nan")
    assert same_samples(columns(1.0, nan), columns(1.0, nan))
    assert not same_samples(columns(1.0, 2.0), columns(1.0, nan))
    assert not same_samples(columns(0.0, 1.0), columns(-0.0, 1.0))
    assert not same_samples(columns(1.0, 2.5), columns(1.0, 2.5, series=other))
