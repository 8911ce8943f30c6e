"""Samples of series that are the same from one read to the next: what they are called once, and a column of values."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from sidecar.model.family import Sample
from sidecar.model.labels import Labels

SeriesKey = tuple[str, Labels]


class SeriesNames:
    """Series by the name and labels of their samples, in an order that never changes.

    Who makes samples of the same series again uses the same object. So whoever works out something of the series, such
    as their rows or the begin of their lines, may keep it as long as the object is there.
    """

    def __init__(self, names: Iterable[str], labels: Iterable[Labels]) -> None:
        self.names = tuple(names)
        self.labels = tuple(labels)


class SampleColumns(Sequence[Sample]):
    """Samples of `series`, whose values are a column."""

    def __init__(self, series: SeriesNames, values: NDArray[np.float64]) -> None:
        self.series = series
        self.values = values

    @override
    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...

    @override
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        names, labels = self.series.names, self.series.labels
        if isinstance(index, slice):
            return [*map(Sample, names[index], labels[index], self.values[index].tolist())]
        return Sample(names[index], labels[index], self.values[index].item())

    @override
    def __iter__(self) -> Iterator[Sample]:
        return map(Sample, self.series.names, self.series.labels, self.values.tolist())


def keys_of(samples: Iterable[Sample]) -> list[SeriesKey]:
    """Return the name and the labels of each sample."""
    if isinstance(samples, SampleColumns):
        return list(zip(samples.series.names, samples.series.labels, strict=True))
    return list(map(itemgetter(0, 1), samples))


def same_series(samples: Sequence[Sample], others: Sequence[Sample]) -> bool:
    """Return whether both are of the same series in the same order."""
    if isinstance(samples, SampleColumns) and isinstance(others, SampleColumns) and samples.series is others.series:
        return True
    return keys_of(samples) == keys_of(others)


def same_samples(samples: Sequence[Sample], others: Sequence[Sample]) -> bool:
    """Return whether both are the same samples; of columns, also if they are not numbers."""
    if isinstance(samples, SampleColumns) and isinstance(others, SampleColumns):
        return samples.series is others.series and samples.values.tobytes() == others.values.tobytes()
    return samples == others
