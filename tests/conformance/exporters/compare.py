"""Compares an exporter's page with ours: names, types, labels and values, within the drift of two scrapes."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from sidecar.model.labels import Labels, labels_of

RELATIVE_SLACK = 0.02
LARGE = 1e6
"""From here on a share is no measure: a percent of a timestamp is half a year."""
AGE = re.compile(r"_(age|duration|lag)(_|$)|_seconds_ago$|_replay_seconds$")
AGE_SLACK_SECONDS = 0.05
"""What an age may differ by, beside the exporter's own two scrapes, which ours lies between."""


class Kind(StrEnum):
    """In what way a family differs."""

    MISSING = "missing"
    TYPE = "type"
    LABELS = "labels"
    SERIES = "series"
    VALUE = "value"


class Detail(NamedTuple):
    """A series or a fact that differs, in words for whoever explains it; a value is off by `off_by`."""

    text: str
    off_by: float = 0.0


class Difference(NamedTuple):
    """A family that differs, and how."""

    family: str
    kind: Kind
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Scraped:
    """A family of one page: values by sample name and labels."""

    type: str
    values: Mapping[tuple[str, Labels], float]

    def label_names(self) -> frozenset[str]:
        """Return every label name that one of its samples has."""
        return frozenset(name for _, labels in self.values for name, _ in labels)

    def by(self, names: frozenset[str]) -> dict[tuple[str, Labels], float]:
        """Return the sums of what agrees in the labels `names`."""
        sums: dict[tuple[str, Labels], float] = {}
        for (sample, labels), value in self.values.items():
            key = sample, labels_of(pair for pair in labels if pair[0] in names)
            sums[key] = sums.get(key, 0.0) + value
        return sums


def families_of(text: str) -> dict[str, Scraped]:
    """Return the families of a page in the text format by the name of their samples."""
    found = {}
    typed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    for family in text_string_to_metric_families(text):
        # The parser takes `_total` off the name of a counter, and gives it to every sample of one.
        bare = family.type == "counter" and family.name in typed
        name = family.name if bare or family.type != "counter" else f"{family.name}_total"
        values = {
            (family.name if bare else sample.name, labels_of(sample.labels)): float(sample.value)
            for sample in family.samples
        }
        if values:
            found[name] = Scraped(family.type, values)
    return found


def compare(before: str, ours: str, after: str, ignored_labels: Iterable[str] = ()) -> Iterator[Difference]:
    """Yield how `ours` differs from an exporter's pages `before` and `after` it.

    Series are compared by the labels that both have, so a label that only one side has is one difference of kind
    LABELS and not one for each series; those of `ignored_labels` are none at all.
    """
    first, second, mine = families_of(before), families_of(after), families_of(ours)
    for name, theirs in sorted(first.items()):
        if name not in mine:
            yield Difference(name, Kind.MISSING, (Detail(f"{len(theirs.values)} series"),))
        elif name in second:
            yield from _compare_family(name, (theirs, second[name]), mine[name], frozenset(ignored_labels))


def _compare_family(
    name: str, theirs: tuple[Scraped, Scraped], ours: Scraped, ignored: frozenset[str]
) -> Iterator[Difference]:
    expected = theirs[0].type
    if expected != ours.type:
        yield Difference(name, Kind.TYPE, (Detail(f"{expected} there, {ours.type} here"),))
    names, mine = theirs[0].label_names() - ignored, ours.label_names() - ignored
    if names != mine:
        only = [f"only there: {', '.join(sorted(names - mine))}"] if names - mine else []
        only += [f"only here: {', '.join(sorted(mine - names))}"] if mine - names else []
        yield Difference(name, Kind.LABELS, tuple(map(Detail, only)))
    common = names & mine
    yield from _compare_values(name, [scraped.by(common) for scraped in theirs], ours.by(common))


def _compare_values(
    name: str, theirs: list[dict[tuple[str, Labels], float]], ours: Mapping[tuple[str, Labels], float]
) -> Iterator[Difference]:
    both = [key for key in theirs[0] if key in theirs[1]]
    unknown = [Detail(f"only there: {_text(key)}") for key in both if key not in ours]
    unknown += [Detail(f"only here: {_text(key)}") for key in ours if key not in theirs[0] and key not in theirs[1]]
    if unknown:
        yield Difference(name, Kind.SERIES, tuple(unknown))
    different = []
    for key in both:
        low, high = sorted((theirs[0][key], theirs[1][key]))
        if key in ours and (off := _off_by(low, ours[key], high, _slack(name, low, high))):
            different.append(Detail(f"{_text(key)} is {low!r} to {high!r} there, {ours[key]!r} here", off))
    if different:
        yield Difference(name, Kind.VALUE, tuple(different))


def _slack(name: str, low: float, high: float) -> float:
    """Return how far outside of the exporter's own two values ours may be: as far again as they moved, and a little."""
    largest = max(abs(low), abs(high))
    share = largest * RELATIVE_SLACK if largest < LARGE else 0.0
    return high - low + share + (AGE_SLACK_SECONDS if AGE.search(name) else 0.0)


def _off_by(low: float, value: float, high: float, slack: float) -> float:
    """Return how far `value` is outside of `low` to `high` if that is more than `slack`, else 0."""
    if isnan(value) or isnan(low):
        return 0.0 if isnan(value) and isnan(low) else inf
    off = max(low - value, value - high, 0.0)
    return off if off > slack else 0.0


def _text(key: tuple[str, Labels]) -> str:
    sample, labels = key
    return sample + "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"
