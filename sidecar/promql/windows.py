"""Range vectors: the samples in a window before each step, for many series at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from sidecar.model.series import Bools, Floats, Ints, LabelSets, SeriesBlock, is_absent, is_stale
from sidecar.promql.names import with_names
from sidecar.promql.value import StepVector, empty_vector

_CELLS_AT_ONCE = 1 << 17
"""Window cells a kernel gets in one call; more only if one window alone has more."""
_COPIES = 3
"""How often a kernel has its cells in memory: as given, sorted or moved, and in between."""


class Running(Protocol):
    """The evaluation that windows are a part of."""

    times: Ints

    def limit(self, samples: int, /) -> None:
        """Raise QueryError when this many samples more are too many, or when the evaluation is to end."""
        ...


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of equal sample count k, of series that have samples at the same times.

    `values` (series, steps, k) and `times` (steps, k) hold the samples; a window is (`ends` - `range_ms`, `ends`].
    `now` (steps,) is the evaluation time, which an offset does not move; `params` the scalar arguments at the steps.
    A kernel that takes long calls `running.limit` now and then.
    """

    values: Floats
    times: Ints
    ends: Ints
    range_ms: int
    now: Ints
    params: tuple[Floats, ...]
    running: Running


Kernel: TypeAlias = Callable[[Windows], Floats]
"""Returns a value (series, steps) for each window."""


@dataclass(frozen=True, slots=True)
class RangeVector:
    """Blocks of samples and the windows over them: for each step, `ends` (steps,) and the common `range_ms`.

    `nameless` is that of the series of all blocks, one after the other.
    """

    blocks: Sequence[SeriesBlock]
    ends: Ints
    range_ms: int
    nameless: Bools | None = None


@dataclass(frozen=True, slots=True)
class _Steps:
    """What a kernel needs to know of the steps, besides samples."""

    ends: Ints
    range_ms: int
    params: tuple[Floats, ...]
    running: Running


def apply(
    kernel: Kernel, ranges: RangeVector, running: Running, params: tuple[Floats, ...], min_samples: int
) -> StepVector:
    """Return `kernel` of every window that has at least `min_samples` samples; labels are the blocks'."""
    steps = _Steps(ranges.ends, ranges.range_ms, params, running)
    parts = [_apply_block(kernel, block, steps, min_samples) for block in ranges.blocks]
    found = concatenated(parts, len(running.times))
    return found if ranges.nameless is None else with_names(found)


def concatenated(parts: Sequence[StepVector], steps: int) -> StepVector:
    """Return the series of all `parts` one after the other."""
    if len(parts) <= 1:
        return parts[0] if parts else empty_vector(steps)
    labels = LabelSets([row for part in parts for row in part.labels])
    values = np.concatenate([part.values.T for part in parts], axis=1).T
    return StepVector(labels, values, np.concatenate([part.present.T for part in parts], axis=1).T)


def _apply_block(kernel: Kernel, block: SeriesBlock, steps: _Steps, min_samples: int) -> StepVector:
    shape = (len(steps.ends), len(block.labels))
    values, present = np.zeros(shape).T, np.zeros(shape, np.bool_).T
    for rows, times, samples in without_gaps(block):
        first = np.searchsorted(times, steps.ends - steps.range_ms, side="right")
        counts = np.searchsorted(times, steps.ends, side="right") - first
        for count in np.unique(counts[counts >= min_samples]).tolist():
            for chosen in _chunks(np.flatnonzero(counts == count), len(samples) * count):
                for part in _chunks(np.arange(len(samples)), len(chosen) * count):
                    steps.running.limit(_COPIES * len(part) * len(chosen) * count)
                    windows = _windows(times, samples[_neighbours(part)], first[chosen], count, steps, chosen)
                    target = (_neighbours(part), chosen) if isinstance(rows, slice) else np.ix_(rows[part], chosen)
                    values[target] = kernel(windows)
                    present[target] = True
    return StepVector(block.labels, values, present)


def _chunks(numbers: Ints, cells_each: int) -> Iterator[Ints]:
    size = max(1, _CELLS_AT_ONCE // max(1, cells_each))
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _neighbours(rows: Ints) -> slice:
    return slice(int(rows[0]), int(rows[-1]) + 1)


def _windows(times: Ints, samples: Floats, first: Ints, count: int, steps: _Steps, chosen: Ints) -> Windows:
    if len(chosen) == 1:
        columns = slice(int(first[0]), int(first[0]) + count)
        values, at = samples[:, np.newaxis, columns], times[np.newaxis, columns]
    else:
        index = first[:, np.newaxis] + np.arange(count)
        values, at = np.moveaxis(samples.T[index], 2, 0), times[index]
    params = tuple(param[chosen] for param in steps.params)
    return Windows(values, at, steps.ends[chosen], steps.range_ms, steps.running.times[chosen], params, steps.running)


def without_gaps(block: SeriesBlock) -> Iterator[tuple[slice | Ints, Ints, Floats]]:
    """Yield (rows, times, samples) so that each row of the block is in one part, with a sample in every column.

    Rows whose samples are missing at the same times share a part: a failed scrape misses them all at once.
    """
    gappy = np.flatnonzero(_has_gap(block.values))
    if not len(gappy):
        yield slice(None), block.times, block.values
        return
    if len(gappy) < len(block.values):
        full = np.setdiff1d(np.arange(len(block.values)), gappy)
        yield full, block.times, block.values[full]
    filled = ~_gaps(block.values[gappy])
    patterns, members = np.unique(np.packbits(filled, axis=1), axis=0, return_inverse=True)
    by_pattern = np.split(np.argsort(members.ravel(), kind="stable"), np.cumsum(np.bincount(members.ravel()))[:-1])
    for rows in by_pattern[: len(patterns)]:
        columns = filled[rows[0]]
        yield gappy[rows], block.times[columns], block.values[np.ix_(gappy[rows], columns)]


def _has_gap(values: Floats) -> Bools:
    nan_rows = np.flatnonzero(np.isnan(values).any(axis=1))
    result = np.zeros(len(values), np.bool_)
    result[nan_rows] = _gaps(values[nan_rows]).any(axis=1)
    return result


def _gaps(values: Floats) -> Bools:
    return is_absent(values) | is_stale(values)
