"""Which server versions a query is for, in the notation of `runonserver`: `>=10.0.0 <12.0.0 || 9.6.x`."""

import re
from collections.abc import Iterable
from typing import NamedTuple

Version = tuple[int, int, int]

_TERM = re.compile(r"(?P<operator>[<>]=?|==?|!=?)?\s*(?P<version>\d+(?:\.(?:\d+|[xX*])){0,2})")
_SEPARATORS = " \t,"


class Term(NamedTuple):
    """A comparison with all versions from `first` to before `after`: `9.6.x` is from 9.6.0 to before 9.7.0."""

    operator: str
    first: Version
    after: Version

    def holds(self, version: Version) -> bool:
        """Return whether `version` compares so."""
        match self.operator:
            case ">=":
                return version >= self.first
            case ">":
                return version >= self.after
            case "<":
                return version < self.first
            case "<=":
                return version < self.after
            case _:
                return (self.first <= version < self.after) is not self.operator.startswith("!")


Versions = tuple[tuple[Term, ...], ...]
"""Alternatives, of each of which all terms must hold."""


def parse_versions(text: str) -> Versions:
    """Return `text` taken apart; raise ValueError with the part that is none.

    A part of a version that is left out or `x` stands for any.
    """
    return tuple(tuple(_terms(alternative)) for alternative in text.split("||"))


def at_least(version: str) -> Versions:
    """Return the versions from `version` on: `13` or `9.6`."""
    return parse_versions(f">={version}")


def at_most(version: str) -> Versions:
    """Return the versions up to all those that start with `version`."""
    return parse_versions(f"<={version}")


def by_version(statement: str, ranges: Iterable[Versions]) -> dict[int, str]:
    """Return `statement` by the lowest server_version_num, as a view has it, for servers in each of `ranges`.

    Where a range ends stands an empty statement, which a runner does not ask.
    """
    wanted = list(ranges)
    edges = {edge for range_ in wanted for terms in range_ for term in terms for edge in (term.first, term.after)}
    numbers = sorted({0, *(_number_of(edge) for edge in edges)})
    return {number: statement if _is_wanted(number, wanted) else "" for number in numbers}


def _is_wanted(number: int, ranges: Iterable[Versions]) -> bool:
    version = _version_of(number)
    return all(any(all(term.holds(version) for term in terms) for terms in range_) for range_ in ranges)


def _terms(text: str) -> Iterable[Term]:
    rest = text.strip(_SEPARATORS)
    if not rest:
        raise ValueError("there is no version where there must be one, as in `>=10.0.0 <12.0.0`")
    while rest:
        match = _TERM.match(rest)
        if match is None or rest[match.end() :][:1] not in {"", *_SEPARATORS}:
            raise ValueError(f"`{rest}` is not a comparison with a version such as `>=10.0.0`")
        yield _term(match["operator"] or "=", match["version"])
        rest = rest[match.end() :].lstrip(_SEPARATORS)


def _term(operator: str, text: str) -> Term:
    given = [int(part) for part in re.split(r"\.[xX*]", text)[0].split(".")]
    first = (*given, 0, 0)[:3]
    after = (*given[:-1], given[-1] + 1, 0, 0)[:3]
    return Term(operator, (first[0], first[1], first[2]), (after[0], after[1], after[2]))


def _version_of(number: int) -> Version:
    """Return 9.6.24 for 90624 and 15.18.0 for 150018: since 10 there are two parts."""
    if number >= 100_000:
        return number // 10_000, number % 10_000, 0
    return number // 10_000, number // 100 % 100, number % 100


def _number_of(version: Version) -> int:
    """Return the lowest number of a server that is not below `version`."""
    major, minor, patch = version
    return major * 10_000 + (minor + bool(patch) if major >= 10 else minor * 100 + patch)
