"""Which rows have which labels."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher
from sidecar.model.series import Bools, Ints

_MAX_VERDICTS = 512
"""Matchers whose verdicts on label values are remembered; a rule set has some hundreds."""


class LabelIndex:
    """Rows by label name and value; rows are numbered from 0 in the order they are added."""

    def __init__(self, rows: Iterable[Labels] = ()) -> None:
        self._postings: dict[str, dict[str, list[int]]] = {}
        self._verdicts: dict[Matcher, dict[str, bool]] = {}
        self._size = 0
        for labels in rows:
            self.add(labels)

    def add(self, labels: Labels) -> int:
        """Add a row with `labels` and return its number."""
        row = self._size
        postings = self._postings
        for name, value in labels:
            values = postings.get(name)
            if values is None:
                values = postings[name] = {}
            rows = values.get(value)
            if rows is None:
                values[value] = [row]
            else:
                rows.append(row)
        self._size += 1
        return row

    def names(self) -> Iterable[str]:
        """Return the label names of all rows."""
        return self._postings.keys()

    def counts(self, name: str) -> Mapping[str, int]:
        """Return how many rows have each value of the label `name`."""
        return {value: len(rows) for value, rows in self._postings.get(name, {}).items()}

    def rows(self, matchers: Sequence[Matcher]) -> Ints:
        """Return the rows that satisfy all `matchers`, ascending."""
        mask = np.ones(self._size, np.bool_)
        for matcher in matchers:
            mask &= self._mask(matcher)
            if not mask.any():
                break
        return np.flatnonzero(mask)

    def _mask(self, matcher: Matcher) -> Bools:
        """Return which rows satisfy `matcher`; each distinct value is asked once."""
        verdicts = self._verdicts_of(matcher)
        absent_satisfies = verdicts[""]
        mask = np.full(self._size, absent_satisfies)
        for value, rows in self._postings.get(matcher.name, {}).items():
            if verdicts[value] is not absent_satisfies:
                mask[rows] = not absent_satisfies
        return mask

    def _verdicts_of(self, matcher: Matcher) -> Mapping[str, bool]:
        if matcher not in self._verdicts and len(self._verdicts) >= _MAX_VERDICTS:
            self._verdicts.clear()
        verdicts = self._verdicts.setdefault(matcher, {})
        values = self._postings.get(matcher.name, {})
        unknown = [value for value in ("", *values) if value not in verdicts]
        if unknown:
            satisfies = matcher.predicate()
            verdicts.update((value, satisfies(value)) for value in unknown)
        return verdicts
