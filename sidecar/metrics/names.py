"""Names of Prometheus families and labels from those of OTLP, in Prometheus' strategy UnderscoreEscapingWithSuffixes.

https://prometheus.io/docs/guides/opentelemetry/
https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

import re
from collections.abc import Sequence

from sidecar.model.metric import MetricHead, MetricKind

_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tebibytes",
    "kBy": "kilobytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
"""UCUM's case sensitive codes; what is not here stays as it is."""
_PER = {
    "s": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_WORD = re.compile("[a-zA-Z0-9:]+")
_NOT_IN_LABEL = re.compile("[^a-zA-Z0-9_]")


def family_name(name: str, unit: str, metric: MetricHead) -> str:
    """Return the name of the family that `metric` is in; empty if nothing of `name` can stand in one.

    The unit is appended in words unless the name has it, then `ratio` for a gauge of unit 1 or `total` for a monotonic
    sum. What a name cannot have becomes an underscore, several of them one.
    """
    words = _WORD.findall(name)
    if not words:
        return ""
    for suffix in _unit_words(unit.strip()):
        if not _has(words, suffix):
            words += suffix
    last = _type_word(unit, metric)
    if last:
        words = [*(word for word in words if word != last), last]
    joined = "_".join(words)
    return f"_{joined}" if joined[0].isdigit() else joined


def label_name(key: str) -> str:
    """Return the name of the label for an attribute.

    Characters that a name cannot have become underscores. `key_` is put before a digit and `key` before an underscore,
    so that none looks like one of Prometheus' own, such as `__name__`.
    """
    name = _NOT_IN_LABEL.sub("_", key)
    if name[:1].isdigit():
        return f"key_{name}"
    return f"key{name}" if name.startswith("_") else name


def _type_word(unit: str, metric: MetricHead) -> str:
    if metric.kind is MetricKind.SUM and metric.is_monotonic:
        return "total"
    return "ratio" if metric.kind is MetricKind.GAUGE and unit == "1" else ""


def _unit_words(unit: str) -> tuple[list[str], list[str]]:
    """Return the words of a unit and of what it is per, such as `bytes` and `per_second`; one with braces has none."""
    main, _, per = (part.strip() for part in unit.partition("/"))
    words = [] if "{" in main or "}" in main else _WORD.findall(_UNITS.get(main, main))
    per_words = [] if "{" in per or "}" in per else _WORD.findall(_PER.get(per, per))
    return words, ["per", *per_words] if per_words else []


def _has(words: Sequence[str], part: Sequence[str]) -> bool:
    return any(list(words[at : at + len(part)]) == list(part) for at in range(len(words) - len(part) + 1))
