"""Label sets as they are in the Prometheus data model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
Labels: TypeAlias = tuple[Pair, ...]
"""Label pairs sorted by name, without empty values: equal sets are equal tuples, and hashable."""

METRIC_NAME = "__name__"
EMPTY: Labels = ()


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Return `pairs` sorted by name; an empty value equals an absent label and is left out."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return tuple(sorted((name, value) for name, value in items if value))


def replaced(labels: Labels, pairs: Sequence[Pair]) -> Labels:
    """Return `labels` with `pairs` in place of their own of the same names; an empty value takes a label out.

    The other pairs are the same objects as before: many label sets made from the same ones share them.
    """
    names = [name for name, _ in pairs]
    kept = [pair for pair in labels if pair[0] not in names]
    return tuple(sorted([*kept, *(pair for pair in pairs if pair[1])]))


def with_target(labels: Labels, target: Labels) -> Labels:
    """Return `labels` with the target's labels added as a Prometheus scrape does.

    A label that the sample and the target both have is kept under `exported_<name>` (honor_labels: false), with as
    many `exported_` as it takes to be the only one of that name.
    """
    merged = (*labels, *target)
    if len(dict(merged)) < len(merged):
        merged = (*_moved_aside(labels, dict(target)), *target)
    return tuple(sorted(merged))


def _moved_aside(labels: Labels, target: Mapping[str, str]) -> Labels:
    """Return `labels` with the names of `target` prefixed until nobody has them, shorter names first."""
    own = {name: value for name, value in labels if name not in target}
    for name, value in sorted(labels, key=lambda pair: len(pair[0])):
        if name in target:
            free = f"exported_{name}"
            while free in own or free in target:
                free = f"exported_{free}"
            own[free] = value
    return tuple(own.items())
