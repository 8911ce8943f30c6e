"""Pins the selectors of an expression to one time, so that its value no longer depends on when it is asked."""

from dataclasses import replace

from sidecar.promql.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Negation,
    Number,
    Paren,
    String,
    Subquery,
    VectorSelector,
    walk,
)

TIME_DEPENDENT = {
    *("days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"),
    *("predict_linear", "time", "timestamp"),
}


def pinned(expr: Expr, at_ms: int) -> Expr | None:
    """Return `expr` with `@ at_ms` on every selector and subquery without one; None if it reads the time itself."""
    if any(isinstance(node, Call) and node.function in TIME_DEPENDENT for node in walk(expr)):
        return None
    return _pinned(expr, at_ms)


def _pinned(expr: Expr, at: int) -> Expr:
    match expr:
        case Number() | String():
            return expr
        case VectorSelector():
            return _selector(expr, at)
        case MatrixSelector(selector=selector):
            return replace(expr, selector=_selector(selector, at))
        case Subquery():  # pinned itself, it always asks its inner expression at the same times
            return expr if expr.at is not None else replace(expr, at=at)
        case Negation(expr=inner) | Paren(expr=inner):
            return replace(expr, expr=_pinned(inner, at))
        case Call(args=args):
            return replace(expr, args=tuple(_pinned(arg, at) for arg in args))
        case Aggregate(expr=inner, param=param):
            return replace(expr, expr=_pinned(inner, at), param=None if param is None else _pinned(param, at))
        case Binary(left=left, right=right):
            return replace(expr, left=_pinned(left, at), right=_pinned(right, at))


def _selector(selector: VectorSelector, at: int) -> VectorSelector:
    return selector if selector.at is not None else replace(selector, at=at)
