"""What is hardly meant in an expression, whatever rule it belongs to."""

from collections.abc import Iterator, Mapping

from sidecar.model.family import MetricType
from sidecar.promql.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Offset,
    QueryStep,
    Subquery,
    VectorSelector,
    children,
    unwrapped,
    walk,
)

_OF_COUNTERS = frozenset({"rate", "irate", "increase"})
_ANY_COUNTER = frozenset({*_OF_COUNTERS, "resets", "changes", "absent", "absent_over_time", "timestamp"})
"""What tells something of a counter, whose value says nothing by itself."""
_PRESENCE = frozenset({"count", "group", "count_values"})
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_SETS = frozenset({"and", "unless"})
_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def rates_of_gauges(expr: Expr, types: Mapping[str, MetricType]) -> Iterator[tuple[str, str]]:
    """Yield (metric, function) for each gauge that is taken for a counter."""
    for node in walk(expr):
        if isinstance(node, Call) and node.function in _OF_COUNTERS:
            argument = unwrapped(node.args[0])
            if isinstance(argument, MatrixSelector) and types.get(argument.selector.name) is MetricType.GAUGE:
                yield argument.selector.name, node.function


def bare_counters(expr: Expr, types: Mapping[str, MetricType]) -> Iterator[str]:
    """Yield each counter whose value is taken as it is, which depends on when it began."""
    match expr:
        case VectorSelector(name=name):
            if types.get(name) is MetricType.COUNTER or (name not in types and name.endswith("_total")):
                yield name
        case MatrixSelector():
            return  # functions of ranges other than the rates are rare, and of many meanings
        case Call(function=function) if function in _ANY_COUNTER:
            return
        case Aggregate(op=op) if op in _PRESENCE:
            return
        case Binary(op=op, left=left) if op in _SETS:
            yield from bare_counters(left, types)  # of the right side only the labels matter
        case Binary(op="-", left=left, right=right) if _names(left) == _names(right):
            return  # how much it grew since, by an offset
        case _:
            for child in children(expr):
                yield from bare_counters(child, types)


def can_be_empty(expr: Expr) -> bool:
    """Return whether the result depends on values and not on which series there are: else an alert always fires."""
    match expr:
        case Binary(op=op) if op in _SETS:
            return True
        case Binary(op=op, return_bool=return_bool) if op in _COMPARISONS:
            return not return_bool
        case Binary(op="or", left=left, right=right):
            return can_be_empty(left) and can_be_empty(right)
        case Call(function="absent" | "absent_over_time"):
            return True
        case VectorSelector(name=name):
            return name in _ALERTS
        case _:
            return any(can_be_empty(child) for child in children(expr))


def reaches(expr: Expr, beyond_ms: int = 0) -> Iterator[tuple[VectorSelector, int]]:
    """Yield each selector with how far before the evaluation it reads samples, without the lookback."""
    match expr:
        case VectorSelector(offset=offset):
            yield expr, beyond_ms + _milliseconds(offset)
        case MatrixSelector(selector=selector, range_ms=range_ms):
            yield selector, beyond_ms + range_ms + _milliseconds(selector.offset)
        case Subquery(expr=inner, range_ms=range_ms, offset=offset):
            yield from reaches(inner, beyond_ms + range_ms + _milliseconds(offset))
        case _:
            for child in children(expr):
                yield from reaches(child, beyond_ms)


def _names(expr: Expr) -> frozenset[str]:
    return frozenset(node.name for node in walk(expr) if isinstance(node, VectorSelector))


def _milliseconds(offset: Offset) -> int:
    return 0 if isinstance(offset, QueryStep) else offset
