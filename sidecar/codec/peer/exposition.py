"""Pages of metrics as Prometheus reads them: the text format 0.0.4, and OpenMetrics.

Prometheus reads line by line, and OpenMetrics as little strictly as text: a family may come in parts, a histogram may
lack a bucket. What it keeps is kept here; of a page that has one line that is no line of the format, nothing is.
"""

import re
from collections.abc import Mapping, Sequence

from sidecar.codec.peer.numbers import number_of
from sidecar.model.errors import MalformedInputError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import EMPTY, METRIC_NAME, Labels, labels_of

END = "# EOF"
"""The last line of a page in OpenMetrics: what comes without it is cut off."""
SHOWN_CHARACTERS = 60

_TYPES = {
    **{kind.value: kind for kind in MetricType},
    "unknown": MetricType.UNTYPED,
    "info": MetricType.GAUGE,
    "stateset": MetricType.GAUGE,
    "gaugehistogram": MetricType.GAUGE,
}
_ENDS: Mapping[str, Sequence[str]] = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
"""By type, what the names of samples end in, behind the name of the family."""
_OPENMETRICS_ENDS: Mapping[str, Sequence[str]] = {
    "histogram": (*_ENDS["histogram"], "_created"),
    "summary": (*_ENDS["summary"], "_created"),
    "counter": ("_total", "_created"),
    "info": ("_info",),
    "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
}
"""The same in OpenMetrics; what is not in the table above is a family of its own in the text format."""
_ALL_ENDS = tuple(dict.fromkeys(end for ends in _OPENMETRICS_ENDS.values() for end in ends))

_METADATA = re.compile(r"#[ \t]+(HELP|TYPE)[ \t]+([a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]+(.*))?")
_SAMPLE = re.compile(
    r"[ \t]*+(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*+)[ \t]*+"
    r'(?:\{(?P<labels>(?:[^"{}]|"(?:[^"\\]|\\.)*+")*+)\})?+[ \t]*+'
    r"(?P<value>[^\s{}#]++)(?:[ \t]++(?P<time>[^\s#]++))?+[ \t]*+(?:#[ \t]*+\{.*)?"
)
_LABEL = re.compile(r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]|\\.)*+)"[ \t]*+(?:,|\Z)')
_NATIVE_HISTOGRAM = re.compile(r"[^#]*\{count:")
_ESCAPE = re.compile(r'\\([\\"n])')


class PageReader:
    """Takes the lines of one page, without their ends; `families` is what they held, in their order.

    What only OpenMetrics has becomes a gauge for each name: `_info`, `_created`, state sets, the parts of a gauge
    histogram. Native histograms, timestamps and exemplars are left out. Types and helps are for the samples behind
    them.
    """

    def __init__(self, is_openmetrics: bool) -> None:
        self._is_openmetrics = is_openmetrics
        self._ends = _OPENMETRICS_ENDS if is_openmetrics else _ENDS
        self._ended = False
        self._types: dict[str, str] = {}
        self._helps: dict[str, str] = {}
        self._families: dict[str, tuple[Family, list[Sample]]] = {}
        self._samples: dict[str, list[Sample]] = {}
        """By name of sample, what its family has so far."""

    @property
    def families(self) -> list[FamilySamples]:
        """What was read so far."""
        return [FamilySamples(family, samples) for family, samples in self._families.values()]

    def read(self, line: str) -> None:
        """Take one line; raise MalformedInputError for one that is none of the format."""
        if self._ended:
            raise MalformedInputError(f"something stands behind `{END}`")
        line = line.rstrip("\r")
        if line[:1] == "#":
            self._read_comment(line)
        elif line and not line.isspace():
            self._read_sample(line)

    def end(self) -> None:
        """Note that there are no more lines; raise MalformedInputError if there should be."""
        if self._is_openmetrics and not self._ended:
            raise MalformedInputError(f"it does not end in `{END}`")

    def _read_comment(self, line: str) -> None:
        self._ended = self._is_openmetrics and line == END
        found = _METADATA.fullmatch(line)
        if not found:
            return
        what, name, text = found[1], found[2], found[3] or ""
        if what == "HELP":
            self._helps[name] = _unescaped(text)
        elif (kind := text.strip()) in _TYPES:
            self._types[name] = kind
        else:
            raise MalformedInputError(f"`{_shown(kind)}` is no type")

    def _read_sample(self, line: str) -> None:
        found = _SAMPLE.fullmatch(line)
        if found:
            name, labels, value, time = found.groups()
            sample = Sample(name, _labels_of(labels) if labels else EMPTY, _number_of(value))
            if time is not None:
                _number_of(time)
            self._samples_of(name).append(sample)
        elif not (self._is_openmetrics and _NATIVE_HISTOGRAM.match(line)):
            raise MalformedInputError(f"`{_shown(line)}` is no sample of the text format")

    def _samples_of(self, name: str) -> list[Sample]:
        if name not in self._samples:
            described, family = self._place_of(name)
            kind = MetricType.GAUGE if name == f"{described}_created" else _TYPES[self._types.get(described, "unknown")]
            whole = Family(family, kind, self._helps.get(described, ""))
            self._samples[name] = self._families.setdefault(family, (whole, []))[1]
        return self._samples[name]

    def _place_of(self, name: str) -> tuple[str, str]:
        """Return the name that type and help are given for, and that of the family in the text format."""
        if name in self._types:
            return name, name
        for end in _ALL_ENDS:
            base = name.removesuffix(end)
            kind = self._types.get(base, "unknown")
            if base != name and end in self._ends.get(kind, ()):
                return base, base if end in _ENDS.get(kind, ()) else name
        return name, name


def _labels_of(text: str) -> Labels:
    pairs, at = [], 0
    while found := _LABEL.match(text, at):
        pairs.append((found[1], _unescaped(found[2])))
        at = found.end()
    names = {name for name, _ in pairs}
    if text[at:].strip(" \t") or len(names) < len(pairs) or METRIC_NAME in names:
        raise MalformedInputError(f"`{_shown(text)}` are no labels of the text format")
    return labels_of(pairs)


def _number_of(text: str) -> float:
    number = number_of(text)
    if number is None:
        raise MalformedInputError(f"`{_shown(text)}` is no number")
    return number


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_meant, text) if "\\" in text else text


def _meant(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
