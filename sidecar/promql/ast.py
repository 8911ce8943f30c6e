"""The syntax tree of PromQL: plain frozen values, independent of the parser behind them.

Durations and times are int64 Unix milliseconds, Prometheus' own resolution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sidecar.model.matcher import Matcher


class ValueType(StrEnum):
    """Type of an expression, in the words of the HTTP API."""

    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


class QueryEdge(StrEnum):
    """The `@ start()` and `@ end()` of a selector."""

    START = "start"
    END = "end"


At: TypeAlias = int | QueryEdge
"""Where `@` pins a selector: at a time in milliseconds, or at an edge of the query."""


class QueryStep(StrEnum):
    """The `step()` of an offset: the step of the query, none for an instant query."""

    STEP = "step"


Offset: TypeAlias = int | QueryStep
"""How far `offset` moves a selector into the past: milliseconds, or the step of the query."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True, slots=True)
class String:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """`name{matchers} @ at offset ...`; `matchers` includes the one for `__name__` that `name` stands for."""

    name: str
    matchers: tuple[Matcher, ...]
    offset: Offset = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """`selector[range]`; offset and `@` are the selector's."""

    selector: VectorSelector
    range_ms: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """`expr[range:step]`; without a step the default of the evaluation holds."""

    expr: "Expr"
    range_ms: int
    step_ms: int | None = None
    offset: Offset = 0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: str
    args: tuple["Expr", ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`op by|without (grouping) (param, expr)`."""

    op: str
    expr: "Expr"
    param: "Expr | None" = None
    grouping: tuple[str, ...] = ()
    without: bool = False


class Group(StrEnum):
    """The side that may have many series per match group."""

    LEFT = "group_left"
    RIGHT = "group_right"


@dataclass(frozen=True, slots=True)
class Matching:
    """How the series of two vectors find each other: `on|ignoring (labels) group_left|group_right (include)`."""

    labels: tuple[str, ...] = ()
    on: bool = False
    group: Group | None = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """`left op right`; `matching` only matters between two vectors."""

    op: str
    left: "Expr"
    right: "Expr"
    matching: Matching = Matching()
    return_bool: bool = False


@dataclass(frozen=True, slots=True)
class Negation:
    """`-expr`; the parser drops a unary plus, which changes nothing."""

    expr: "Expr"


@dataclass(frozen=True, slots=True)
class Paren:
    """`(expr)`, kept for printing."""

    expr: "Expr"


Expr: TypeAlias = (
    Number | String | VectorSelector | MatrixSelector | Subquery | Call | Aggregate | Binary | Negation | Paren
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions directly inside `expr`, in the order they are written."""
    match expr:
        case MatrixSelector(selector=selector):
            return (selector,)
        case Subquery(expr=inner) | Negation(expr=inner) | Paren(expr=inner):
            return (inner,)
        case Call(args=args):
            return args
        case Aggregate(expr=inner, param=param):
            return (inner,) if param is None else (param, inner)
        case Binary(left=left, right=right):
            return (left, right)
        case Number() | String() | VectorSelector():
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield `expr` and everything below it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def unwrapped(expr: Expr) -> Expr:
    """Return `expr` without the parentheses around it."""
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr
