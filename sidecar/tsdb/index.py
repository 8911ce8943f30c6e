"""Which rows have which labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from sidecar.model.labels import Labels
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.series import Bools, Ints
from sidecar.model.steps import STEP_SIZE, Steps, finished

_MAX_MATCHING = 500_000
"""Values remembered as matching some expression, over all expressions: four megabytes."""
_MAX_VERDICTS = 512
"""Expressions whose verdicts are remembered; a rule set has some hundreds."""
_EQUALITY = (MatchOp.EQUAL, MatchOp.NOT_EQUAL)
_NEGATIVE = (MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX)


@dataclass(slots=True)
class _Verdict:
    """What a regular expression said of the first `judged` values of a label: which of them it matches."""

    matches_empty: bool
    matching: list[str] = field(default_factory=list)
    judged: int = 0


class LabelIndex:
    """Rows by label name and value; rows are numbered from 0 in the order they are added."""

    def __init__(self, rows: Iterable[Labels] = ()) -> None:
        self._postings: dict[str, dict[str, list[int]]] = {}
        self._verdicts: dict[tuple[str, str], _Verdict] = {}
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

    def has(self, name: str, value: str) -> bool:
        """Return whether any row has the label `name` with `value`, which is not empty."""
        return value in self._postings.get(name, ())

    def judge(self, matchers: Iterable[Matcher]) -> Steps[None]:
        """Ask the regular expressions of `matchers` about each value that they were not asked about yet."""
        for matcher in matchers:
            if matcher.op not in _EQUALITY:
                yield from self._judge(matcher)

    def rows(self, matchers: Sequence[Matcher]) -> Ints:
        """Return the rows that satisfy all `matchers`, ascending."""
        mask = np.ones(self._size, np.bool_)
        for matcher in matchers:
            mask &= self._mask(matcher)
            if not mask.any():
                break
        return np.flatnonzero(mask)

    def _mask(self, matcher: Matcher) -> Bools:
        """Return which rows satisfy `matcher`; a row without the label has the empty value."""
        if matcher.op in _EQUALITY:
            empty, values = not matcher.value, [matcher.value]
        else:
            verdict = finished(self._judge(matcher))
            empty, values = verdict.matches_empty, verdict.matching
        mask = self._rows_with(matcher.name, values)
        if empty:
            mask |= ~self._rows_with(matcher.name, self._postings.get(matcher.name, ()))
        return ~mask if matcher.op in _NEGATIVE else mask

    def _rows_with(self, name: str, values: Iterable[str]) -> Bools:
        postings = self._postings.get(name, {})
        mask = np.zeros(self._size, np.bool_)
        mask[[row for value in values for row in postings.get(value, ())]] = True
        return mask

    def _judge(self, matcher: Matcher) -> Steps[_Verdict]:
        """Return what the expression says of all values; a value once known is never taken out."""
        matches = Matcher(matcher.name, MatchOp.REGEX, matcher.value).predicate()
        verdict = self._verdict(matcher, matches)
        values = self._postings.get(matcher.name, {})
        while verdict.judged < len(values):
            part = list(islice(values, verdict.judged, verdict.judged + STEP_SIZE))
            verdict.matching += [value for value in part if matches(value)]
            verdict.judged += len(part)
            yield
        return verdict

    def _verdict(self, matcher: Matcher, matches: Callable[[str], bool]) -> _Verdict:
        key = (matcher.name, matcher.value)
        if key not in self._verdicts:
            while self._verdicts and self._is_full():
                del self._verdicts[next(iter(self._verdicts))]
            self._verdicts[key] = _Verdict(matches(""))
        return self._verdicts[key]

    def _is_full(self) -> bool:
        matching = sum(len(known.matching) for known in self._verdicts.values())
        return len(self._verdicts) >= _MAX_VERDICTS or matching > _MAX_MATCHING
