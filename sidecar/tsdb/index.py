"""Which rows have which labels."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sidecar.model.labels import Labels, Pair
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
    """What a regular expression said of the first `judged` values of a label: the numbers of those it matches."""

    matches_empty: bool
    matching: list[int] = field(default_factory=list)
    judged: int = 0


class _Column:
    """The values of one label: `numbers` has each with its number, `rows` and `codes` who has which.

    Two arrays and not a list for each value: the garbage collector would visit twenty thousand lists again and again.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.pairs: list[Pair] = []
        self._rows = array("i")
        self._codes = array("i")

    def add(self, row: int, pair: Pair) -> Pair:
        """Give `row` the value of `pair`; return the one pair that all rows with this value share."""
        number = self.numbers.setdefault(pair[1], len(self.pairs))
        if number == len(self.pairs):
            self.pairs.append(pair)
        self._rows.append(row)
        self._codes.append(number)
        return self.pairs[number]

    def rows(self) -> Ints:
        """Return the rows that have the label."""
        return np.array(self._rows, np.int64)

    def rows_with(self, numbers: Sequence[int]) -> Ints:
        """Return the rows that have one of the values with these numbers."""
        wanted = np.zeros(len(self.pairs), np.bool_)
        wanted[numbers] = True
        having: Bools = wanted[np.array(self._codes)]
        return self.rows()[having]

    def counts(self) -> Mapping[str, int]:
        """Return how many rows have each value."""
        return dict(zip(self.numbers, np.bincount(np.array(self._codes)).tolist(), strict=True))


class LabelIndex:
    """Rows by label name and value; rows are numbered from 0 in the order they are added."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._verdicts: dict[tuple[str, str], _Verdict] = {}
        self._size = 0

    def add(self, labels: Labels) -> Labels:
        """Add a row with `labels`; return the same, made of the pairs that are kept for all rows."""
        columns, row = self._columns, self._size
        self._size += 1
        shared = []
        for pair in labels:
            column = columns.get(pair[0])
            if column is None:
                column = columns[pair[0]] = _Column()
            shared.append(column.add(row, pair))
        return tuple(shared)

    def names(self) -> Iterable[str]:
        """Return the label names of all rows."""
        return self._columns.keys()

    def counts(self, name: str) -> Mapping[str, int]:
        """Return how many rows have each value of the label `name`."""
        column = self._columns.get(name)
        return column.counts() if column else {}

    def has(self, name: str, value: str) -> bool:
        """Return whether any row has the label `name` with `value`, which is not empty."""
        return value in self._numbers(name)

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

    def _numbers(self, name: str) -> Mapping[str, int]:
        column = self._columns.get(name)
        return column.numbers if column else {}

    def _mask(self, matcher: Matcher) -> Bools:
        """Return which rows satisfy `matcher`; a row without the label has the empty value."""
        empty, wanted = self._wanted(matcher)
        mask = np.zeros(self._size, np.bool_)
        column = self._columns.get(matcher.name)
        if column and wanted:
            mask[column.rows_with(wanted)] = True
        if empty:
            without = np.ones(self._size, np.bool_)
            if column:
                without[column.rows()] = False
            mask |= without
        return ~mask if matcher.op in _NEGATIVE else mask

    def _wanted(self, matcher: Matcher) -> tuple[bool, Sequence[int]]:
        """Return whether the value of `matcher` matches the empty one, and the numbers of the others it matches."""
        if matcher.op in _EQUALITY:
            number = self._numbers(matcher.name).get(matcher.value)
            return not matcher.value, [] if number is None else [number]
        verdict = finished(self._judge(matcher))
        return verdict.matches_empty, verdict.matching

    def _judge(self, matcher: Matcher) -> Steps[_Verdict]:
        """Return what the expression says of all values; a value once known is never taken out."""
        matches = Matcher(matcher.name, MatchOp.REGEX, matcher.value).predicate()
        verdict = self._verdict(matcher, matches)
        column = self._columns.get(matcher.name)
        while column and verdict.judged < len(column.pairs):
            part = column.pairs[verdict.judged : verdict.judged + STEP_SIZE]
            verdict.matching += [number for number, pair in enumerate(part, verdict.judged) if matches(pair[1])]
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
