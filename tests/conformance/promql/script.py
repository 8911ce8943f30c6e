"""Reads promqltest scripts."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from tests.conformance.promql.notation import parse_samples, parse_series

_LOAD = re.compile(r"load(_with_nhcb)?\s+(\S+)")
_EVAL = re.compile(
    r"eval(_fail|_ordered|_warn|_info)?\s+(?:instant\s+(?:at\s+(\S+))|range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+))\s+(.*)",
    re.DOTALL,
)
_UPSTREAM = re.compile(r"# upstream line (\d+)")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


@dataclass
class Load:
    """Series to add.

    `native` holds where native histograms have samples, `started` the names of metrics with start timestamps; the
    values of `series` leave both out.
    """

    series: list[tuple[Labels, list[tuple[int, float]]]] = field(default_factory=list)
    native: list[tuple[Labels, list[int]]] = field(default_factory=list)
    started: set[str] = field(default_factory=set)


@dataclass
class Clear:
    """Forget all series."""


@dataclass
class Case:
    """An expression and what it must give."""

    file: str
    line: int
    query: str
    start_ms: int
    end_ms: int
    step_ms: int
    fails: bool = False
    ordered: bool = False
    string: str | None = None
    matrix: tuple[int, int, int] | None = None
    lines: list[str] = field(default_factory=list)


Command = Load | Clear | Case


def parse_duration(text: str) -> int:
    """Return a duration, or a plain number of seconds, in milliseconds."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if parts and "".join(a + b for a, b in parts) == text.lstrip("-"):
        total = sum(int(count) * _UNITS[unit] for count, unit in parts)
        return -total if text.startswith("-") else total
    return round(float(text) * 1000)


def read_script(path: Path) -> list[Command]:
    """Return the commands of the script at `path`."""
    commands: list[Command] = []
    upstream = 0
    blocks = re.split(r"\n(?=\S)", path.read_text())
    for block in blocks:
        lines = [line for line in block.splitlines() if line.strip()]
        if not lines:
            continue
        if match := _UPSTREAM.match(lines[0]):
            upstream = int(match[1])
        lines = [line for line in lines if not line.lstrip().startswith("#")]
        if lines:
            commands += _command(lines, path.name, upstream)
    return commands


def _command(lines: list[str], file: str, upstream: int) -> list[Command]:
    head = lines[0].strip()
    if head.startswith("clear"):
        return [Clear()]
    if head.startswith("load"):
        return [_load(lines)]
    match = _EVAL.match(head)
    if match is None:
        raise ValueError(f"{file}: not understood: {head}")
    return [_case(match, lines[1:], file, upstream)]


def _load(lines: list[str]) -> Load:
    match = _LOAD.match(lines[0].strip())
    assert match is not None
    step, load = parse_duration(match[2]), Load()
    for line in lines[1:]:
        labels, rest = parse_series(line)
        if "@" in rest:
            load.started.add(dict(labels).get(METRIC_NAME, ""))
        values, histograms = parse_samples(rest.split("@")[0])
        points = [(i * step, value) for i, value in enumerate(values) if value is not None]
        load.series.append((labels, points))
        load.native.append((labels, [i * step for i in histograms]))
        if match[1] and (custom := _custom_buckets(labels)):
            load.native.append((custom, [time for time, _ in points]))
    return load


def _custom_buckets(labels: Labels) -> Labels | None:
    """Return the labels of the native histogram that the series of a classic bucket is made into."""
    name = dict(labels).get(METRIC_NAME, "")
    if not name.endswith("_bucket"):
        return None
    pairs = {key: value for key, value in labels if key != "le"}
    return labels_of({**pairs, METRIC_NAME: name.removesuffix("_bucket")})


def _case(match: re.Match[str], lines: list[str], file: str, upstream: int) -> Case:
    flavour, at, start, end, step, query = match.groups()
    if at is not None:
        start = end = at
    times = (parse_duration(start), parse_duration(end), parse_duration(step) if step else 0)
    case = Case(file, upstream, query.strip(), *times, fails=flavour == "_fail", ordered=flavour == "_ordered")
    for line in (item.strip() for item in lines):
        if line.startswith("expect "):
            _expectation(case, line.split(None, 2)[1:])
        else:
            case.lines.append(line)
    return case


def _expectation(case: Case, words: list[str]) -> None:
    kind, rest = words[0], words[1] if len(words) > 1 else ""
    if kind == "fail":
        case.fails = True
    elif kind == "ordered":
        case.ordered = True
    elif kind == "string":
        case.string = rest
    elif kind == "range":
        found = re.match(r"vector from (\S+) to (\S+) step (\S+)", rest)
        assert found is not None
        case.matrix = (parse_duration(found[1]), parse_duration(found[2]), parse_duration(found[3]))
