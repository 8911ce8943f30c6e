"""Label sets as they are in the Prometheus data model."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Label pairs sorted by name, without empty values: equal sets are equal tuples, and hashable."""

METRIC_NAME = "__name__"
EMPTY: Labels = ()


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Return `pairs` sorted by name; an empty value equals an absent label and is left out."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return tuple(sorted((name, value) for name, value in items if value))


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
