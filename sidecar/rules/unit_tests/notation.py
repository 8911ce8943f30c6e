"""The notation of series in unit tests, `up{job="a"} 1+2x5 _ stale`, as Prometheus' own parser reads it."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.model.sample import ABSENT, STALE
from sidecar.promql.ast import String
from sidecar.promql.parse import parse

MAX_SAMPLES = 10_000_000
"""Of one series: `1x1000000000` is a slip and not a test."""

_STRING = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`'
_PAIR = re.compile(rf"\s*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*|{_STRING})\s*(?:=\s*(?P<value>{_STRING}))?\s*(?:,|\Z)")
_METRIC = re.compile(rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?(?:\{{(?P<pairs>(?:{_STRING}|[^}}{{\"'`])*)\}})?")
_DIGITS = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_WORD = r"[iI][nN][fF]|[nN][aA][nN]"
_VALUE = re.compile(
    rf"(?P<word>[-+]?(?:{_WORD}))|(?P<value>[-+]?(?:{_DIGITS}|(?:{_WORD})(?=[-+])))"
    rf"(?:(?P<step>[-+]{_DIGITS})?x(?P<times>[0-9]+))?"
)
_GAP = re.compile(r"_(?:x(?P<times>[0-9]+))?")
_HISTOGRAM = r"\{\{[^{}]*\}\}"
_NATIVE = re.compile(rf"{_HISTOGRAM}(?:[-+]{_HISTOGRAM}(?=x))?(?:x(?P<times>[0-9]+))?")
_ITEM = re.compile(rf"{_HISTOGRAM}(?:[-+]{_HISTOGRAM})?[^\s{{]*|\S+")


class Described(NamedTuple):
    """A series and its values, one for each interval; ABSENT where there is no sample.

    `native` are the places of native histograms, which are ABSENT among the values.
    """

    labels: Labels
    values: Sequence[float]
    native: Sequence[int]


def read_series(text: str) -> Described:
    """Return what `text` describes; raise ValueError where Prometheus would not read it."""
    match = _METRIC.match(text)
    assert match is not None
    rest = text[match.end() :]
    if rest and not rest[0].isspace():
        raise ValueError(f"`{text}`: `{rest[:20]}` is out of place after the series")
    values: list[float] = []
    native: list[int] = []
    for item in _ITEM.findall(rest):
        if item.startswith("{{"):
            count = _repeated(_match(_NATIVE, item))
            native += range(len(values), len(values) + count)
            values += [ABSENT] * count
        else:
            values += _values(item)
    return Described(labels_of(_pairs(match)), values, native)


def read_metric(text: str) -> Labels:
    """Return the labels of `name{label="value"}`; raise ValueError where that is not what `text` is.

    Without a name empty values stay: no sample that is found has them, in Prometheus neither.
    """
    match = _METRIC.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'`{text}` is not a series such as `name{{label="value"}}`')
    pairs = _pairs(match)
    return labels_of(pairs) if match["name"] else tuple(sorted(pairs))


def _pairs(match: re.Match[str]) -> list[tuple[str, str]]:
    pairs = [(METRIC_NAME, match["name"])] if match["name"] else []
    inside = (match["pairs"] or "").rstrip()
    at = 0
    while at < len(inside):
        pair = _PAIR.match(inside, at)
        if pair is None or (pair["value"] is None and pair["name"][0] not in "\"'`"):
            raise ValueError(f'`{inside[at:].strip()}` is not `label="value"`')
        at = pair.end()
        name = _unquoted(pair["name"])
        pairs.append((METRIC_NAME, name) if pair["value"] is None else (name, _unquoted(pair["value"])))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"label `{name}` is given twice")
    return pairs


def _unquoted(text: str) -> str:
    if text[0] not in "\"'`":
        return text
    try:
        tree = parse(text)
    except QueryError as error:
        raise ValueError(f"{text} is not a string: {error}") from error
    assert isinstance(tree, String)
    return tree.value


def _values(item: str) -> Iterator[float]:
    if item == "stale":
        yield STALE
    elif item.startswith("_"):
        yield from [ABSENT] * max(_repeated(_match(_GAP, item)) - ("x" in item), 0)
    else:
        yield from _series_of(_match(_VALUE, item))


def _series_of(match: re.Match[str]) -> Iterator[float]:
    if match["word"]:
        yield float(match["word"])
        return
    value, step = _finite(match["value"]), _finite(match["step"] or "0")
    for _ in range(_repeated(match)):
        yield value
        value += step  # again and again, as Prometheus does: a product would differ in the last digit


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number) and "n" not in text.lower():
        raise ValueError(f"`{text}` is out of range")
    return number


def _repeated(match: re.Match[str]) -> int:
    """Return how many values an item stands for: the first, and as many more as it says."""
    count = int(match["times"] or 0) + 1
    if count > MAX_SAMPLES:
        raise ValueError(f"`{match[0]}` is more than {MAX_SAMPLES} samples")
    return count


def _match(pattern: re.Pattern[str], item: str) -> re.Match[str]:
    match = pattern.fullmatch(item)
    if match is None:
        raise ValueError(f"`{item}` is not a value, `_`, `stale`, or one of them repeated as in `1+2x5`")
    return match
