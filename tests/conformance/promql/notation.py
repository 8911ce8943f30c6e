"""The notation of series and their values in promqltest scripts."""

import re

import promql_parser

from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.model.sample import STALE

_TEXT = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
_PAIR = re.compile(rf"\s*({_TEXT}|[\w.:]+)\s*(?:=\s*({_TEXT}))?\s*,?")
_SERIES = re.compile(rf"\s*([a-zA-Z_:][\w:]*)?\s*(?:\{{(?!\{{)((?:{_TEXT}|[^}}\"'`])*)\}})?")
_UNSIGNED = r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI]nf|[nN]a[nN])"
_VALUE = re.compile(rf"([+-]?{_UNSIGNED})(?:([+-]{_UNSIGNED}))?(?:x(\d+))?")
_HISTOGRAM = r"\{\{[^}]*\}\}"
_TOKEN = re.compile(rf"{_HISTOGRAM}(?:[+-]{_HISTOGRAM})?(?:x(?P<times>\d+))?|\S+")
_GAP = re.compile(r"_(?:x(\d+))?")


def parse_series(text: str) -> tuple[Labels, str]:
    """Return the labels of the series that `text` begins with, and the rest of it."""
    match = _SERIES.match(text)
    assert match is not None
    pairs: list[tuple[str, str]] = [(METRIC_NAME, match[1])] if match[1] else []
    for pair in _PAIR.finditer(match[2] or ""):
        name = _unquoted(pair[1])
        pairs.append((METRIC_NAME, name) if pair[2] is None else (name, _unquoted(pair[2])))
    return labels_of(pairs), text[match.end() :].strip()


def parse_values(text: str) -> list[float | None]:
    """Return the values that `text` stands for; None where there is no sample."""
    return [value for token in text.split() for value in _expanded(token)]


def parse_samples(text: str) -> tuple[list[float | None], list[int]]:
    """Return the values of a series, and the places of native histograms, which are None among the values."""
    values: list[float | None] = []
    histograms: list[int] = []
    for token in _TOKEN.finditer(text):
        if token[0].startswith("{{"):
            count = 1 + int(token["times"] or 0)
            histograms += range(len(values), len(values) + count)
            values += [None] * count
        else:
            values += _expanded(token[0])
    return values, histograms


def _expanded(token: str) -> list[float | None]:
    if gap := _GAP.fullmatch(token):
        return [None] * int(gap[1] or 1)
    if token == "stale":
        return [STALE]
    match = _VALUE.fullmatch(token)
    if match is None:
        raise ValueError(f"not a value: {token}")
    values = [float(match[1])]
    step = float(match[2]) if match[2] else 0.0
    for _ in range(int(match[3] or 0)):
        values.append(values[-1] + step)
    return list(values)


def _unquoted(text: str) -> str:
    return str(promql_parser.parse(text).val) if text[0] in "\"'`" else text  # type: ignore[attr-defined]
