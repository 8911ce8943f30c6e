"""Which values of a column, or of two, are alike, exact whatever values somebody chooses."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.spans.window.rows import Places, Words

KEYS = tuple(np.uint64(hash(text) & (1 << 64) - 1 | 1) for text in ("first", "second"))
"""Python keys its hashes anew in each process: nobody outside knows these, or can choose pairs whose keys are equal."""


class Distinct(NamedTuple):
    """Where each value comes `first`, in that sequence, and `of` each row the number among these of its value."""

    first: Places
    of: Places


def distinct(values: NDArray[np.int64] | Words) -> Distinct:
    """Return the values of a column."""
    order = np.argsort(values, kind="stable")
    in_order = values[order]
    is_new = np.ones(len(values), np.bool_)
    is_new[1:] = in_order[1:] != in_order[:-1]
    first = order[is_new]
    by_place = np.argsort(first)
    number = np.empty(len(first), np.int64)
    number[by_place] = np.arange(len(first))
    of = np.empty(len(values), np.int64)
    of[order] = number[np.cumsum(is_new) - 1]
    return Distinct(first[by_place], of)


def distinct_pairs(one: Words, other: Words) -> Distinct:
    """Return the pairs of values of two columns."""
    found = distinct(one * KEYS[0] + other * KEYS[1])
    if all(np.array_equal(column[found.first][found.of], column) for column in (one, other)):
        return found
    ones, others = distinct(one), distinct(other)
    return distinct(ones.of * len(others.first) + others.of)
