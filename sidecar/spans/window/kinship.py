"""Who is whose parent: a join of two columns, exact whatever the ids are."""

import numpy as np

from sidecar.spans.window.rows import NO, Bools, Places, SpanRows, Words

_OF_ID, _OF_SLOT = (np.uint64(hash(text) & (1 << 64) - 1 | 1) for text in ("id", "slot"))
"""Python keys its hashes anew in each process: nobody outside knows these, or can choose ids whose keys are equal."""


def parents_of(rows: SpanRows) -> Places:
    """Return the place of each row's parent among `rows`, NO where it is not there.

    Of several spans with one id that which is a local root counts, else the first. A span that names its own id has no
    parent but a local root with that id.
    """
    own, others = _keys(rows.slot, rows.span_id), _keys(rows.slot, rows.parent_id)
    order = np.argsort(own, kind="stable")
    in_order = own[order]
    same = (in_order[1:] == in_order[:-1]).nonzero()[0]
    if len(same):
        first, second = order[same], order[same + 1]
        if ((rows.slot[first] != rows.slot[second]) | (rows.span_id[first] != rows.span_id[second])).any():
            return _parents_one_by_one(rows)
        order = np.lexsort((~rows.is_root, own))
    found = order[np.minimum(np.searchsorted(in_order, others), max(len(order) - 1, 0))]
    is_parent = (rows.span_id[found] == rows.parent_id) & (rows.slot[found] == rows.slot) & (rows.parent_id != 0)
    is_parent &= (rows.span_id != rows.parent_id) | (rows.is_root[found] & (found != np.arange(len(found))))
    return np.where(is_parent & (rows.slot >= 0), found, NO)


def tops_of(parents: Places, stops: Bools) -> Places:
    """Return where each row arrives that goes up until one that `stops`, or whose parent is not there.

    From where no such row is above, because spans are each other's parents, it arrives at any of these.
    """
    here = np.arange(len(parents))
    tops = np.where(stops | (parents < 0), here, parents)
    for _ in range(len(parents).bit_length()):  # each time twice as far
        further = tops[tops]
        if np.array_equal(further, tops):
            break
        tops = further
    return tops


def _keys(slots: Places, ids: Words) -> Words:
    return ids * _OF_ID + slots.astype(np.uint64) * _OF_SLOT


def _parents_one_by_one(rows: SpanRows) -> Places:
    """Return the same where keys of different ids are equal."""
    own = [*zip(rows.slot.tolist(), rows.span_id.tolist(), strict=True)]
    by_id: dict[tuple[int, int], int] = {}
    for place, (key, is_root) in enumerate(zip(own, rows.is_root.tolist(), strict=True)):
        if key not in by_id or (is_root and not rows.is_root[by_id[key]]):
            by_id[key] = place
    parents = np.full(len(rows), NO)
    for place, key in enumerate(zip(rows.slot.tolist(), rows.parent_id.tolist(), strict=True)):
        parent = by_id.get(key, NO) if key[1] and key[0] >= 0 else NO
        if key != own[place] or (parent != place and rows.is_root[parent]):
            parents[place] = parent
    return parents
