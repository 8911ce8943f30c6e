"""From text to our own syntax tree, with promql-parser in between."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import promql_parser

from sidecar.model.duration import LONGEST_MS
from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.promql.aggregate import AGGREGATIONS
from sidecar.promql.ast import (
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    Group,
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
from sidecar.promql.dialect import STAND_IN_MS, for_the_parser
from sidecar.promql.functions.registry import FUNCTIONS
from sidecar.promql.guard import bad_expression, check
from sidecar.promql.unsupported import refuse_unsupported

MAX_DEPTH = 250
"""Levels of the tree, long chains of binary operators included: evaluation is recursive."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MATCH_OPS = {
    "MatchOp.Equal": MatchOp.EQUAL,
    "MatchOp.NotEqual": MatchOp.NOT_EQUAL,
    "MatchOp.Re": MatchOp.REGEX,
    "MatchOp.NotRe": MatchOp.NOT_REGEX,
}
_GROUPS = {"VectorMatchCardinality.ManyToOne": Group.LEFT, "VectorMatchCardinality.OneToMany": Group.RIGHT}


def parse(text: str) -> Expr:
    """Return the syntax tree of `text`.

    Raises QueryError("bad_data", "line:column: parse error: ...") for what is not PromQL, too long or too deeply
    nested, and for what this engine does not support, which the message names.
    """
    check(text)
    tree = _parsed(text)
    try:
        return _Conversion(text).expr(tree)
    except OverflowError as error:
        raise QueryError("bad_data", "1:1: parse error: timestamp out of bounds for @ modifier") from error
    except ValueError as error:
        raise bad_expression(text, "duration out of range") from error


def _parsed(text: str) -> Any:
    try:
        return promql_parser.parse(for_the_parser(text))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        refuse_unsupported(text)
        message = str(error)
        quoted = message.split("'")
        raise bad_expression(text, message, quoted[1] if len(quoted) > 2 else "") from error


class _Conversion:
    """One run over the parser's tree, with the text for error positions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._converters: dict[type, Callable[[Any], Expr]] = {
            promql_parser.NumberLiteral: lambda node: Number(node.val),
            promql_parser.StringLiteral: lambda node: String(node.val),
            promql_parser.ParenExpr: lambda node: Paren(self.expr(node.expr)),
            promql_parser.UnaryExpr: lambda node: Negation(self.expr(node.expr)),
            promql_parser.Call: self._call,
            promql_parser.VectorSelector: self._selector,
            promql_parser.MatrixSelector: self._matrix,
            promql_parser.SubqueryExpr: self._subquery,
            promql_parser.AggregateExpr: self._aggregate,
            promql_parser.BinaryExpr: self._binary,
        }

    def expr(self, node: Any) -> Expr:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise bad_expression(self._text, f"the expression is deeper than {MAX_DEPTH} levels")
        result = self._converters[type(node)](node)
        self._depth -= 1
        return result

    def _refuse(self, what: str, token: str) -> QueryError:
        return bad_expression(self._text, f"{what} is not supported", token)

    def _call(self, node: Any) -> Call:
        if node.func.name not in FUNCTIONS:
            raise self._refuse(f"function {node.func.name}()", node.func.name)
        return Call(node.func.name, tuple(self.expr(item) for item in node.args))

    def _selector(self, node: Any) -> VectorSelector:
        if node.matchers.or_matchers:
            raise self._refuse("`or` between label matchers", " or ")
        matchers = tuple(self._matcher(item) for item in node.matchers.matchers)
        name = node.name or _name_in(matchers)
        if node.name:
            matchers = (Matcher(METRIC_NAME, MatchOp.EQUAL, name), *matchers)
        return VectorSelector(name, matchers, _offset(node.offset), _at(node.at))

    def _matcher(self, node: Any) -> Matcher:
        matcher = Matcher(node.name, _MATCH_OPS[str(node.op)], node.value)
        try:
            matcher.predicate()  # RE2 compiles what the parser's regular expressions let pass, and keeps it
        except ValueError as error:
            raise bad_expression(self._text, str(error), node.value) from error
        return matcher

    def _matrix(self, node: Any) -> MatrixSelector:
        return MatrixSelector(self._selector(node.vector_selector), self._duration(node.range))

    def _subquery(self, node: Any) -> Subquery:
        step = None if node.step is None else self._duration(node.step)
        inner = self.expr(node.expr)
        return Subquery(inner, self._duration(node.range), step, _offset(node.offset), _at(node.at))

    def _duration(self, value: timedelta) -> int:
        milliseconds = _milliseconds(value)
        if milliseconds <= 0:
            raise bad_expression(self._text, "duration must be greater than 0")
        return milliseconds

    def _aggregate(self, node: Any) -> Aggregate:
        op, param = str(node.op), node.param
        if op not in AGGREGATIONS:
            raise self._refuse(f"aggregation {op}()", op)
        if param is not None:
            param = String(param) if isinstance(param, str) else self.expr(param)
        labels = tuple(node.modifier.labels) if node.modifier else ()
        without = bool(node.modifier) and node.modifier.type == promql_parser.AggModifierType.Without
        return Aggregate(op, self.expr(node.expr), param, labels, without)

    def _binary(self, node: Any) -> Binary:
        matching, return_bool = Matching(), False
        if node.modifier:
            matching, return_bool = self._matching(node.modifier), node.modifier.return_bool
        return Binary(str(node.op), self.expr(node.lhs), self.expr(node.rhs), matching, return_bool)

    def _matching(self, modifier: Any) -> Matching:
        fill = modifier.fill_values
        if fill is not None and (fill.lhs is not None or fill.rhs is not None):
            raise self._refuse("the `fill` modifier", "fill")
        labels: tuple[str, ...] = ()
        on = False
        if modifier.matching:
            labels = tuple(modifier.matching.labels)
            on = modifier.matching.type == promql_parser.LabelModifierType.Include
        return Matching(labels, on, _GROUPS.get(str(modifier.card)), tuple(modifier.group_labels or ()))


def _name_in(matchers: tuple[Matcher, ...]) -> str:
    names = [item.value for item in matchers if item.name == METRIC_NAME and item.op is MatchOp.EQUAL]
    return names[0] if len(names) == 1 else ""


def _milliseconds(value: timedelta | None) -> int:
    milliseconds = 0 if value is None else value // _MILLISECOND
    if abs(milliseconds) > LONGEST_MS:
        raise ValueError("duration out of range")
    return milliseconds


def _offset(value: timedelta | None) -> Offset:
    milliseconds = _milliseconds(value)
    return QueryStep.STEP if milliseconds == STAND_IN_MS else milliseconds


def _at(modifier: Any) -> At | None:
    if modifier is None:
        return None
    if modifier.type == promql_parser.AtModifierType.Start:
        return QueryEdge.START
    if modifier.type == promql_parser.AtModifierType.End:
        return QueryEdge.END
    return _pinned_ms(modifier)


def _pinned_ms(modifier: Any) -> int:
    try:
        at: datetime = modifier.at
    except (KeyboardInterrupt, SystemExit, OverflowError):
        raise
    except BaseException as error:
        raise QueryError("bad_data", "1:1: parse error: a negative timestamp for @ is not supported") from error
    return round((at - _EPOCH) / _MILLISECOND)
