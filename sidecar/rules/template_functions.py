"""The functions Prometheus adds to Go's templates that depend on their arguments alone."""

import ipaddress
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from sidecar.model.duration import parse_duration_ms
from sidecar.rules.go_times import to_duration, to_time
from sidecar.rules.gotemplate.errors import CallError
from sidecar.rules.gotemplate.function import ANY, Function
from sidecar.rules.gotemplate.strings import quoted
from sidecar.rules.gotemplate.values import GoMap, Html, Slice, Struct, Value, string_map
from sidecar.rules.humanize import (
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
)

_WORD_START = re.compile(r"(?<!\w)(?<!\w[.:'\u00b7\u2018\u2019\u2024\u2027])[^\W\d_]")
"""A letter that begins a word, as Unicode 15 breaks words: the marks between two letters are part of one."""

_QUIET = re2.Options()
_QUIET.log_errors = False
_GO_REASONS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid repetition size": "invalid repeat count",
}
"""What Go says where RE2 says the same in other words."""

_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<bare>\w+))", re.ASCII)


SAMPLE = "template.sample"
RESULT = "template.queryResult"


def query_sample(labels: Mapping[str, str], number: float) -> Struct:
    """Return one element of what `query` returns."""
    return Struct(SAMPLE, {"Labels": string_map(labels), "Value": float(number)}, is_pointer=True)


def first(samples: Slice | None) -> Struct:
    """Return the first sample; an empty result is an error."""
    if not samples:
        raise CallError("first() called on vector with no elements")
    sample: Struct = samples[0]
    return sample


def label(name: str, sample: Struct | None) -> str:
    """Return the sample's label, empty when it has none of that name."""
    return str(_fields(sample)["Labels"][name])


def value(sample: Struct | None) -> float:
    """Return the sample's value."""
    return float(_fields(sample)["Value"])


def strvalue(sample: Struct | None) -> str:
    """Return the label `__value__`, which console templates give to strings."""
    return label("__value__", sample)


def sort_by_label(name: str, samples: Slice | None) -> Slice:
    """Return the samples in the order of a label's values."""
    return Slice(RESULT, sorted(samples or (), key=lambda sample: label(name, sample)))


def args(*values: Value) -> GoMap:
    """Return the arguments under `arg0`, `arg1` and so on, for a named template."""
    return GoMap(ANY, {f"arg{index}": item for index, item in enumerate(values)})


def match(pattern: str, text: str) -> bool:
    """Return whether the RE2 pattern occurs in the text."""
    return _compiled(pattern, "").search(text) is not None


def re_replace_all(pattern: str, replacement: str, text: str) -> str:
    """Return the text with every match replaced; `$1`, `${1}` and `$name` stand for groups."""
    parts: list[str] = []
    end = 0
    for found in _compiled(pattern, f"regexp: Compile({_in_back_quotes(pattern)}): ").finditer(text):
        parts.append(text[end : found.start()])
        if found.end() > end or found.start() == 0:  # no empty match right behind another one
            parts.append(_REFERENCE.sub(partial(_referred, found), replacement))
        end = found.end()
    return "".join((*parts, text[end:]))


def title(text: str) -> str:
    """Return the text with the first letter of each word in upper case and the rest as it was."""
    return _WORD_START.sub(lambda letter: letter[0].title(), text)


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
    try:
        return parse_duration_ms(text) / 1000
    except ValueError as error:
        raise CallError(str(error)) from error


def _upper(text: str) -> str:
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)


def _lower(text: str) -> str:
    return "".join(character.lower()[:1] for character in text)


def _escaped(text: str) -> str:
    return quote_plus(text)


def _fields(sample: Struct | None) -> Mapping[str, Value]:
    if sample is None:
        raise CallError("runtime error: invalid memory address or nil pointer dereference")
    return sample.fields


def _compiled(pattern: str, before: str) -> Any:
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as error:
        reason, _, part = _text_of(error.args[0]).partition(": ")
        raise CallError(f"{before}error parsing regexp: {_GO_REASONS.get(reason, reason)}: `{part}`") from error


def _text_of(message: str | bytes) -> str:
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else message


def _in_back_quotes(text: str) -> str:
    return f"`{text}`" if "`" not in text and text.isprintable() else quoted(text)


def _referred(found: Any, reference: re.Match[str]) -> str:
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


_TEXT, _SAMPLE = "string", f"*{SAMPLE}"

PURE_FUNCTIONS: dict[str, Function] = {
    "args": Function(args, (ANY,), variadic=True),
    "first": Function(first, (RESULT,)),
    "graphLink": Function(graph_link, (_TEXT,)),
    "humanize": Function(humanize, (ANY,)),
    "humanize1024": Function(humanize1024, (ANY,)),
    "humanizeDuration": Function(humanize_duration, (ANY,)),
    "humanizePercentage": Function(humanize_percentage, (ANY,)),
    "humanizeTimestamp": Function(humanize_timestamp, (ANY,)),
    "label": Function(label, (_TEXT, _SAMPLE)),
    "match": Function(match, (_TEXT, _TEXT)),
    "parseDuration": Function(parse_duration, (_TEXT,)),
    "reReplaceAll": Function(re_replace_all, (_TEXT, _TEXT, _TEXT)),
    "safeHtml": Function(Html, (_TEXT,)),
    "sortByLabel": Function(sort_by_label, (_TEXT, RESULT)),
    "stripDomain": Function(strip_domain, (_TEXT,)),
    "stripPort": Function(strip_port, (_TEXT,)),
    "strvalue": Function(strvalue, (_SAMPLE,)),
    "tableLink": Function(table_link, (_TEXT,)),
    "title": Function(title, (_TEXT,)),
    "toDuration": Function(to_duration, (ANY,)),
    "toLower": Function(_lower, (_TEXT,)),
    "toTime": Function(to_time, (ANY,)),
    "toUpper": Function(_upper, (_TEXT,)),
    "urlQueryEscape": Function(_escaped, (_TEXT,)),
    "value": Function(value, (_SAMPLE,)),
}
