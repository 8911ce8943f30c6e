"""The two exposition formats that a Prometheus scrapes: text 0.0.4 and OpenMetrics 1.0.

https://prometheus.io/docs/instrumenting/exposition_formats/
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md

A sample is the same line in both, so a series keeps its name and labels whoever asks; only the lines about families,
the exemplars that OpenMetrics has behind a sample, and the end differ. Therefore `le` is as Go prints it and quantiles
count to 100 where Redis counts so, though OpenMetrics would rather have `1.0` than `1` and knows no quantile above 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from sidecar.model.family import Exemplar, Family, FamilySamples, MetricType, Sample, sample_names
from sidecar.model.labels import Labels


class Format(Enum):
    """How a page is written; the value is what stands at its end."""

    TEXT = b""
    OPENMETRICS = b"# EOF\n"


_TOTAL = "_total"
_NOT_FINITE = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def encode(families: Iterable[FamilySamples], format: Format = Format.TEXT) -> bytes:
    """Return `families` as a page: each with HELP and TYPE and its samples in the given order, none without samples.

    A family must come once and a series once per family; whoever merges sources sees to that.
    """
    shown = [given for given in families if given.samples]
    whole = whole_counters(given.family for given in shown)
    pieces = []
    for given in shown:
        lines = encode_samples(given.samples)
        if format is Format.OPENMETRICS:
            lines = with_exemplars(lines, given.exemplars)
        pieces += [encode_header(given.family, format, whole=given.family.name in whole), lines]
    return b"".join([*pieces, format.value])


def encode_header(family: Family, format: Format = Format.TEXT, *, whole: bool = False) -> bytes:
    """Return the HELP and TYPE lines of `family`; `whole` says that it is one of the `whole_counters` of its page."""
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    name, kind = family.name, family.type.value
    if format is Format.OPENMETRICS:
        text = text.replace('"', r"\"")
        cut = _without_total(family)
        if cut is not None and not whole:
            name = cut
        elif family.type in {MetricType.COUNTER, MetricType.UNTYPED}:
            kind = "unknown"
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()


def whole_counters(families: Iterable[Family]) -> frozenset[str]:
    """Return the counters that keep their whole name on an OpenMetrics page of `families`.

    There a counter is named without `_total`. Where another family has that name, or the name of its creation time,
    the counter is `unknown` under its whole name, as one without `_total` is: so every sample stays what it is.
    """
    known = list(families)
    taken = frozenset[str]().union(*(sample_names(family.name, family.type) for family in known))
    cuts = [(family.name, cut) for family in known if (cut := _without_total(family)) is not None]
    return frozenset(name for name, cut in cuts if cut in taken or f"{cut}_created" in taken)


def encode_samples(samples: Sequence[Sample]) -> bytes:
    """Return one line per sample, without a timestamp: the value is of the moment of the scrape."""
    return encode_values(encode_series(samples), samples)


def encode_series(samples: Iterable[Sample]) -> list[str]:
    """Return name and labels of each sample as a line begins with them."""
    return [f"{name}{_encode_labels(labels)}" if labels else name for name, labels, _ in samples]


def encode_values(series: Iterable[str], samples: Iterable[Sample]) -> bytes:
    """Return the lines of `samples`; `series` is what `encode_series` gives for them, or gave at an earlier scrape."""
    lines = []
    for start, (_, _, value) in zip(series, samples, strict=True):
        text = str(value)
        if text[-2:] == ".0":
            text = text[:-2]
        elif text[-1] in "fn":
            text = _NOT_FINITE[text]
        lines.append(f"{start} {text}\n")
    return "".join(lines).encode("utf-8", "replace")


def with_exemplars(lines: bytes, exemplars: Mapping[int, Exemplar]) -> bytes:
    """Return the `lines` of samples with the exemplars that OpenMetrics has behind them, each by its sample's place."""
    if not exemplars:
        return lines
    each = lines.split(b"\n")
    for place, (trace_id, span_id, value, timestamp) in exemplars.items():
        labels = f'trace_id="{trace_id.hex()}",span_id="{span_id.hex()}"'
        each[place] += f" # {{{labels}}} {value} {timestamp:.3f}".encode()
    return b"\n".join(each)


def format_float(value: float) -> str:
    """Return `value` as Go prints it in `le` and `quantile`: `1`, `0.005`, `1e+06`, `+Inf`."""
    text = str(float(value))
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if abs(value) < 1e6 or "e" in text:
        return text.removesuffix(".0")
    digits = text.lstrip("-").removesuffix(".0")
    exponent = len(digits.partition(".")[0]) - 1
    digits = digits.replace(".", "").rstrip("0")
    mantissa = f"{digits[0]}.{digits[1:]}".rstrip(".")
    return f"{'-' if value < 0 else ''}{mantissa}e+{exponent:02d}"


def _encode_labels(labels: Labels) -> str:
    text = ",".join([f'{name}="{value}"' for name, value in labels])
    # Hardly any value needs escaping, and one look at the whole is cheaper than one at each.
    if "\\" in text or "\n" in text or text.count('"') != 2 * len(labels):
        text = ",".join([f'{name}="{_escape(value)}"' for name, value in labels])
    return f"{{{text}}}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _without_total(family: Family) -> str | None:
    """Return the name of a counter without its `_total`; None for what is no counter or has none."""
    if family.type is not MetricType.COUNTER or not family.name.endswith(_TOTAL):
        return None
    return family.name.removesuffix(_TOTAL)
