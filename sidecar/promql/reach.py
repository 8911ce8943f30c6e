"""What an expression looks at: which selectors, and how far into the past."""

from sidecar.promql.ast import Expr, MatrixSelector, Offset, QueryStep, Subquery, VectorSelector, children, walk


def selectors(expr: Expr) -> tuple[VectorSelector, ...]:
    """Return the selectors of `expr` in the order they are written, those of range vectors and subqueries included."""
    return tuple(node for node in walk(expr) if isinstance(node, VectorSelector))


def longest_range_ms(expr: Expr) -> int:
    """Return how far before the evaluation time `expr` reads samples: ranges plus offsets, without the lookback.

    A selector pinned by `@` counts as if it were not. The query is an instant query, as that of a rule.
    """
    below = max((longest_range_ms(child) for child in children(expr)), default=0)
    match expr:
        case VectorSelector(offset=offset):
            return max(_milliseconds(offset), 0)
        case MatrixSelector(range_ms=range_ms):
            return below + range_ms
        case Subquery(range_ms=range_ms, offset=offset):
            return max(below + range_ms + _milliseconds(offset), 0)
        case _:
            return below


def _milliseconds(offset: Offset) -> int:
    return 0 if isinstance(offset, QueryStep) else offset
