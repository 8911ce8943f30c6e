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

    A label that the sample and the target both have is kept under `exported_<name>` (honor_labels: false).
    """
    own = dict(labels)
    for name, value in target:
        if name in own:
            own[f"exported_{name}"] = own.pop(name)
        own[name] = value
    return labels_of(own)
