"""The canonical text of an expression, as Prometheus prints it in generator URLs and its API."""

import re

from sidecar.model.duration import format_duration
from sidecar.model.labels import METRIC_NAME
from sidecar.model.matcher import Matcher
from sidecar.promql.ast import (
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    Matching,
    MatrixSelector,
    Negation,
    Number,
    Offset,
    Paren,
    QueryEdge,
    QueryStep,
    String,
    Subquery,
    VectorSelector,
)
from sidecar.promql.number import format_plain

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPES["\v"] = "\\v"


def format_expr(expr: Expr) -> str:
    """Return the canonical text of `expr`; parsing it gives an equal tree."""
    match expr:
        case Number(value):
            return format_plain(value)
        case String(value):
            return quote(value)
        case Paren(inner):
            return f"({format_expr(inner)})"
        case Negation(inner):
            return f"-{format_expr(inner)}"
        case Call(function, args):
            return f"{function}({', '.join(map(format_expr, args))})"
        case Aggregate():
            return _aggregate(expr)
        case Binary():
            return _binary(expr)
        case VectorSelector() | MatrixSelector() | Subquery():
            return _selector(expr)


def quote(text: str) -> str:
    """Return `text` as a double-quoted Go string."""
    return '"' + "".join(_ESCAPES.get(char) or _printable(char) for char in text) + '"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _selector(expr: VectorSelector | MatrixSelector | Subquery) -> str:
    match expr:
        case VectorSelector(offset=offset, at=at):
            return _series(expr) + _shift(at, offset)
        case MatrixSelector(selector, range_ms):
            return f"{_series(selector)}[{format_duration(range_ms)}]" + _shift(selector.at, selector.offset)
        case Subquery(inner, range_ms, step_ms, offset, at):
            step = "" if step_ms is None else format_duration(step_ms)
            return f"{format_expr(inner)}[{format_duration(range_ms)}:{step}]" + _shift(at, offset)


def _series(selector: VectorSelector) -> str:
    plain = _METRIC.fullmatch(selector.name) is not None
    inside = [quote(selector.name)] if selector.name and not plain else []
    inside += [_matcher(item) for item in selector.matchers if not (selector.name and item.name == METRIC_NAME)]
    return (selector.name if plain else "") + (f"{{{','.join(inside)}}}" if inside else "")


def _matcher(matcher: Matcher) -> str:
    return f"{_label(matcher.name)}{matcher.op}{quote(matcher.value)}"


def _label(name: str) -> str:
    return name if _LABEL.fullmatch(name) else quote(name)


def _labels(names: tuple[str, ...]) -> str:
    return f"({', '.join(map(_label, names))})"


def _shift(at: At | None, offset: Offset) -> str:
    text = ""
    if isinstance(at, QueryEdge):
        text = f" @ {at.value}()"
    elif at is not None:
        text = f" @ {at / 1000:.3f}"
    if isinstance(offset, QueryStep):
        text += f" offset {offset.value}()"
    elif offset:
        text += f" offset {'-' if offset < 0 else ''}{format_duration(abs(offset))}"
    return text


def _aggregate(expr: Aggregate) -> str:
    clause = ""
    if expr.without or expr.grouping:
        clause = f" {'without' if expr.without else 'by'} {_labels(expr.grouping)} "
    inside = [format_expr(item) for item in (expr.param, expr.expr) if item is not None]
    return f"{expr.op}{clause}({', '.join(inside)})"


def _binary(expr: Binary) -> str:
    bool_word = " bool" if expr.return_bool else ""
    operator = f"{expr.op}{bool_word}{_matching(expr.matching)}"
    return f"{format_expr(expr.left)} {operator} {format_expr(expr.right)}"


def _matching(matching: Matching) -> str:
    if not (matching.labels or matching.on or matching.group):
        return ""
    text = f" {'on' if matching.on else 'ignoring'} {_labels(matching.labels)}"
    return f"{text} {matching.group.value} {_labels(matching.include)}" if matching.group else text
