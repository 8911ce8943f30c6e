"""Series of received metrics: the latest value of each, deltas added up, and the samples that they are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from typing_extensions import override

from sidecar.codec.exposition import format_float
from sidecar.metrics.layout import Layout, coarser
from sidecar.metrics.points import Exponential, Histogram, Summary, Value
from sidecar.metrics.target import Target
from sidecar.metrics.writers import Writers
from sidecar.model.family import Sample
from sidecar.model.labels import Labels

ValueT = TypeVar("ValueT", bound=Value)


class Series(Generic[ValueT]):
    """One label set of the family `name`.

    `size` is how many samples it may become, as `size_of` its value says. `time` is that of its last data point in Unix
    nanoseconds by the sender's clock, `seen_at` when that came, in seconds by ours. `ended` says that it is shown no
    more: a data point that comes later begins another one. `writer` stands for what its last data point was called and
    had as attributes before these became labels.
    """

    def __init__(self, name: str, labels: Labels, value: ValueT, target: Target) -> None:
        self.labels = labels
        self.target = target
        self.size = 0
        self.time = 0
        self.seen_at = 0.0
        self.ended = False
        self.name = name
        self.writer = 0
        self.writers = Writers()
        self._value = value

    def fits(self, value: Value) -> bool:
        """Return whether `value` can go on with this series: it is of the same kind and has the same buckets."""
        return type(value) is type(self._value)

    def is_ahead_of(self, time: int, is_delta: bool) -> bool:
        """Return whether a data point of `time` comes too late: of a delta, also one that came before."""
        return time < self.time or (is_delta and time == self.time)

    def set(self, value: ValueT) -> None:
        """Take a value that counts since its sender started."""
        self._value = value

    def add(self, value: ValueT) -> None:
        """Take a value that counts since the one before it; a kind without such values takes it as it is."""
        self.set(value)

    def samples(self) -> Sequence[Sample]:
        """Return what the series is now, a sample per bucket or quantile."""
        raise NotImplementedError


class NumberSeries(Series[float]):
    """A counter or a gauge."""

    @override
    def add(self, value: float) -> None:
        self._value += value

    @override
    def samples(self) -> Sequence[Sample]:
        return (Sample(self.name, self.labels, self._value),)


class HistogramSeries(Series[Histogram]):
    """A histogram with explicit bounds; other bounds are another series."""

    def __init__(self, name: str, labels: Labels, value: Histogram, target: Target) -> None:
        super().__init__(name, labels, value, target)
        self._bucket_labels = _each_with(labels, "le", (*value.bounds, float("inf")))

    @override
    def fits(self, value: Value) -> bool:
        return isinstance(value, Histogram) and value.bounds == self._value.bounds

    @override
    def add(self, value: Histogram) -> None:
        counts = [before + count for before, count in zip(self._value.counts, value.counts, strict=True)]
        self._value = Histogram(value.bounds, counts, _sum_of(self._value.sum, value.sum))

    @override
    def samples(self) -> Sequence[Sample]:
        cumulated = list(accumulate(self._value.counts))
        return [
            *_buckets(self.name, self._bucket_labels, cumulated),
            *_sum_and_count(self.name, self.labels, self._value.sum, cumulated[-1]),
        ]


class ExponentialSeries(Series[Exponential]):
    """An exponential histogram; its buckets are those of the family's layout."""

    def __init__(self, name: str, labels: Labels, value: Exponential, target: Target, layout: Layout) -> None:
        super().__init__(name, labels, value, target)
        self._layout = layout
        self._bounds: tuple[float, ...] | None = None
        self._bucket_labels: list[Labels] = []
        self.set(value)

    @override
    def set(self, value: Exponential) -> None:
        self._layout.include(value)
        self._value = self._at_layout(value)

    @override
    def add(self, value: Exponential) -> None:
        self._layout.include(value)
        before, after = self._at_layout(self._value), self._at_layout(value)
        self._value = Exponential(
            after.scale,
            _added(before.positive, after.positive),
            _added(before.negative, after.negative),
            before.zeros + after.zeros,
            max(before.zero_threshold, after.zero_threshold),
            _sum_of(before.sum, after.sum),
        )

    @override
    def samples(self) -> Sequence[Sample]:
        if self._bounds is not self._layout.bounds:
            self._bounds = self._layout.bounds
            self._bucket_labels = _each_with(self.labels, "le", (*self._bounds, float("inf")))
        cumulated = self._layout.cumulated(self._value)
        return [
            *_buckets(self.name, self._bucket_labels, cumulated),
            *_sum_and_count(self.name, self.labels, self._value.sum, cumulated[-1]),
        ]

    def _at_layout(self, value: Exponential) -> Exponential:
        """Return `value` with no more buckets than are shown."""
        by = value.scale - self._layout.scale
        positive, negative = coarser(value.positive, by), coarser(value.negative, by)
        return value._replace(scale=self._layout.scale, positive=positive, negative=negative)


class SummarySeries(Series[Summary]):
    """Quantiles as their sender worked them out; others are another series."""

    def __init__(self, name: str, labels: Labels, value: Summary, target: Target) -> None:
        super().__init__(name, labels, value, target)
        self._quantile_labels = _each_with(labels, "quantile", value.quantiles)

    @override
    def fits(self, value: Value) -> bool:
        return isinstance(value, Summary) and value.quantiles.keys() == self._value.quantiles.keys()

    @override
    def samples(self) -> Sequence[Sample]:
        pairs = zip(self._quantile_labels, self._value.quantiles.values(), strict=True)
        return [
            *(Sample(self.name, labels, value) for labels, value in pairs),
            *_sum_and_count(self.name, self.labels, self._value.sum, self._value.total),
        ]


def series_of(name: str, labels: Labels, value: Value, target: Target, layout: Layout) -> Series[Any]:
    """Return a new series of `value`; `layout` is that of the exponential histograms of its family."""
    if isinstance(value, Histogram):
        return HistogramSeries(name, labels, value, target)
    if isinstance(value, Exponential):
        return ExponentialSeries(name, labels, value, target, layout)
    if isinstance(value, Summary):
        return SummarySeries(name, labels, value, target)
    return NumberSeries(name, labels, value, target)


def size_of(value: Value, layout: Layout) -> int:
    """Return how many samples a series of `value` may become."""
    if isinstance(value, Histogram):
        return len(value.counts) + 2
    if isinstance(value, Exponential):
        return layout.most + 3
    return len(value.quantiles) + 2 if isinstance(value, Summary) else 1


def _each_with(labels: Labels, name: str, values: Iterable[float]) -> list[Labels]:
    """Return `labels` with each of `values` under `name`; the pairs are shared, which halves what they take."""
    return [tuple(sorted((*labels, (name, format_float(value))))) for value in values]


def _buckets(name: str, labels: Sequence[Labels], counts: Sequence[int]) -> Iterable[Sample]:
    return (Sample(f"{name}_bucket", pairs, count) for pairs, count in zip(labels, counts, strict=True))


def _sum_and_count(name: str, labels: Labels, total: float | None, count: int) -> Sequence[Sample]:
    counted = Sample(f"{name}_count", labels, count)
    return (counted,) if total is None else (Sample(f"{name}_sum", labels, total), counted)


def _sum_of(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else before + after


def _added(before: Mapping[int, int], after: Mapping[int, int]) -> Mapping[int, int]:
    return Counter(before) + Counter(after)
