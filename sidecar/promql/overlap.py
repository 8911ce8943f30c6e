"""Series that two blocks have: a source was renamed, or two sources bring the same series."""

from collections.abc import Mapping, Sequence

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.sample import ABSENT
from sidecar.model.series import Ints, LabelSets, SeriesBlock, is_absent, is_stale

Places = tuple[tuple[int, int], ...]
"""Where a series stands: (block, row), ascending."""


def without_overlap(blocks: Sequence[SeriesBlock]) -> Sequence[SeriesBlock]:
    """Return `blocks` so that each series is in one of them only, with the samples of all.

    Of two samples at the same time the one of the later block counts; a sample counts before a staleness marker.
    """
    if len(blocks) < 2:
        return blocks
    shared = _shared(blocks)
    if not shared:
        return blocks
    taken = {place for places in shared.values() for place in places}
    rest = [_rows_left(block, index, taken) for index, block in enumerate(blocks)]
    families: dict[tuple[int, ...], list[Labels]] = {}
    for labels, places in shared.items():
        families.setdefault(tuple(index for index, _ in places), []).append(labels)
    return [*rest, *(_joined(blocks, indices, labels, shared) for indices, labels in families.items())]


def _shared(blocks: Sequence[SeriesBlock]) -> Mapping[Labels, Places]:
    if len({labels for block in blocks for labels in block.labels}) == sum(len(block.labels) for block in blocks):
        return {}
    homes: dict[Labels, Places] = {}
    for index, block in enumerate(blocks):
        for row, labels in enumerate(block.labels):
            homes[labels] = (*homes.get(labels, ()), (index, row))
    return {labels: places for labels, places in homes.items() if len(places) > 1}


def _rows_left(block: SeriesBlock, index: int, taken: set[tuple[int, int]]) -> SeriesBlock:
    rows: Ints = np.array([row for row in range(len(block.labels)) if (index, row) not in taken], np.int64)
    return SeriesBlock(block.times, block.labels.take(rows), block.values[rows])


def _joined(
    blocks: Sequence[SeriesBlock], indices: Sequence[int], labels: Sequence[Labels], shared: Mapping[Labels, Places]
) -> SeriesBlock:
    times = np.unique(np.concatenate([blocks[index].times for index in indices]))
    values = np.full((len(labels), len(times)), ABSENT)
    for position, index in enumerate(indices):
        columns = np.searchsorted(times, blocks[index].times)
        cells = blocks[index].values[[shared[item][position][1] for item in labels]]
        known = values[:, columns]
        keep = is_absent(cells) | (is_stale(cells) & ~is_absent(known))
        values[:, columns] = np.where(keep, known, cells)
    return SeriesBlock(times, LabelSets(labels), values)
