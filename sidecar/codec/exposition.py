"""The text exposition format 0.0.4, as a Prometheus scrapes it.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable

from sidecar.model.family import Family, FamilySamples, Sample
from sidecar.model.labels import Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NOT_FINITE = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def encode(families: Iterable[FamilySamples]) -> bytes:
    """Return `families` as text: each with its HELP and TYPE and its samples in the order given, none without samples.

    A family must come once and a series once per family; whoever merges sources sees to that.
    """
    return b"".join(encode_header(family) + encode_samples(samples) for family, samples in families if samples)


def encode_header(family: Family) -> bytes:
    """Return the HELP and TYPE lines of `family`."""
    text = family.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {family.name} {text}\n# TYPE {family.name} {family.type.value}\n".encode()


def encode_samples(samples: Iterable[Sample]) -> bytes:
    """Return one line per sample, without a timestamp: the value is of the moment of the scrape."""
    lines = []
    for name, labels, value in samples:
        text = str(value)
        if text[-2:] == ".0":
            text = text[:-2]
        elif text[-1] in "fn":
            text = _NOT_FINITE[text]
        lines.append(f"{name}{_encode_labels(labels)} {text}\n" if labels else f"{name} {text}\n")
    return "".join(lines).encode("utf-8", "replace")


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
