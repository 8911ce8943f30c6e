"""The functions Prometheus adds to Go's templates that depend on their arguments alone."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import re2  # type: ignore[import-untyped] # google-re2 ships no types
from typing_extensions import override

from sidecar.model.duration import parse_duration_ms
from sidecar.rules.humanize import (
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    number_of,
    time_ms_of,
)

_WORD_START = re.compile(r"(?<!\w)(?<!\w[.'\u2019])[^\W\d_]")
_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<bare>\w+))", re.ASCII)


class QuerySample(NamedTuple):
    """One element of what `query` returns; the names are those that templates write."""

    Labels: Mapping[str, str]
    Value: float


def first(samples: Sequence[QuerySample]) -> QuerySample:
    """Return the first sample; an empty result is an error."""
    if not samples:
        raise ValueError("first() called on vector with no elements")
    return samples[0]


def label(name: str, sample: QuerySample) -> str:
    """Return the sample's label, empty when it has none of that name."""
    return sample.Labels.get(name, "")


def value(sample: QuerySample) -> float:
    """Return the sample's value."""
    return sample.Value


def strvalue(sample: QuerySample) -> str:
    """Return the label `__value__`, which console templates give to strings."""
    return sample.Labels.get("__value__", "")


def sort_by_label(name: str, samples: Sequence[QuerySample]) -> list[QuerySample]:
    """Return the samples in the order of a label's values."""
    return sorted(samples, key=lambda sample: label(name, sample))


def args(*values: object) -> dict[str, object]:
    """Return the arguments under `arg0`, `arg1` and so on, for a named template."""
    return {f"arg{index}": item for index, item in enumerate(values)}


def match(pattern: str, text: str) -> bool:
    """Return whether the RE2 pattern occurs in the text."""
    return re2.search(pattern, text) is not None


def re_replace_all(pattern: str, replacement: str, text: str) -> str:
    """Return the text with every match replaced; `$1`, `${1}` and `$name` stand for groups."""

    def expanded(found: Any) -> str:
        return _REFERENCE.sub(lambda reference: _referred(reference, found), replacement)

    replaced: str = re2.sub(pattern, expanded, text)
    return replaced


def title(text: str) -> str:
    """Return the text with the first letter of each word in upper case and the rest as it was."""
    return _WORD_START.sub(lambda letter: letter[0].upper(), text)


def strip_port(host_port: str) -> str:
    """Return the host of `host:port`, and anything else as it is."""
    split = _split_host_port(host_port)
    return split[0] if split else host_port


def strip_domain(host_port: str) -> str:
    """Return the first name of a host, its port kept; an IP address stays whole."""
    host, port = _split_host_port(host_port) or (host_port, "")
    if _is_ip(host):
        return host_port
    name = host.partition(".")[0]
    return f"{name}:{port}" if port else name


def graph_link(expression: str) -> str:
    """Return the path of the expression's graph in the Prometheus UI."""
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab=0"


def table_link(expression: str) -> str:
    """Return the path of the expression's table in the Prometheus UI."""
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab=1"


def parse_duration(text: str) -> float:
    """Return a duration such as `1h30m` in seconds."""
    return parse_duration_ms(text) / 1000


def _upper(text: str) -> str:
    return text.upper()


def _lower(text: str) -> str:
    return text.lower()


def _escaped(text: str) -> str:
    return quote_plus(text)


def _safe_html(text: str) -> str:
    return text


def _go_time(seconds: object) -> object:
    from gotime import Time  # gotpl's own time values; slow to import

    return _Exported(Time.from_unix_milliseconds(time_ms_of(number_of(seconds))).utc())


def _go_duration(seconds: object) -> object:
    from goduration import Duration

    return _Exported(Duration(int(number_of(seconds) * 1e9)))


class _Exported:
    """A Go value whose methods a template calls by their Go names: `.Format` is `format` in Python."""

    def __init__(self, wrapped: object) -> None:
        self._wrapped = wrapped

    def __gotemplate_lookup__(self, field: str) -> object:
        return getattr(self._wrapped, re.sub(r"(?<!^)(?=[A-Z])", "_", field).lower())

    @override
    def __str__(self) -> str:
        return str(self._wrapped)


def _referred(reference: re.Match[str], found: Any) -> str:
    name = reference["braced"] or reference["bare"]
    if name is None:
        return "$"
    group: int | str = int(name) if name.isdigit() else name
    try:
        return found.group(group) or ""
    except (IndexError, KeyError):
        return ""


def _split_host_port(host_port: str) -> tuple[str, str] | None:
    """Return host and port where Go's net.SplitHostPort finds them."""
    host, colon, port = host_port.rpartition(":")
    if not colon or "]" in port:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    return None if "[" in host or "]" in host else (host, port)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


PURE_FUNCTIONS: dict[str, Callable[..., object]] = {
    "args": args,
    "first": first,
    "graphLink": graph_link,
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "label": label,
    "match": match,
    "parseDuration": parse_duration,
    "reReplaceAll": re_replace_all,
    "safeHtml": _safe_html,
    "sortByLabel": sort_by_label,
    "stripDomain": strip_domain,
    "stripPort": strip_port,
    "strvalue": strvalue,
    "tableLink": table_link,
    "title": title,
    "toDuration": _go_duration,
    "toLower": _lower,
    "toTime": _go_time,
    "toUpper": _upper,
    "urlQueryEscape": _escaped,
    "value": value,
}
