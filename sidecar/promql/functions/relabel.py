"""Functions that rewrite labels."""

from collections.abc import Callable, Mapping

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.expansion import expanded
from sidecar.model.labels import METRIC_NAME, Labels, Pair, replaced
from sidecar.model.matcher import anchored_regex
from sidecar.model.series import LabelSets
from sidecar.promql.ast import Call
from sidecar.promql.functions.plain import Function
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, Value, distinct


class _TextLimit:
    """Counts the text that is written, a character like a sample: `$1$1$1` within itself grows without bounds."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._written = 0

    def add(self, characters: int) -> None:
        """Raise QueryError when so many characters more are too many."""
        self._written += characters
        self._scope.limit(self._written)


def _label_replace(scope: Scope, call: Call) -> Value:
    """Set a label to a template of what the regular expression finds in another, where it matches all of it."""
    vector = scope.vector(call.args[0])
    target, template, source, pattern = (scope.string(arg) for arg in call.args[1:5])
    try:
        regex = anchored_regex(pattern)
    except ValueError as error:
        raise QueryError("execution", f"invalid regular expression in label_replace(): {pattern}") from error
    if not target:
        raise QueryError("execution", f"invalid destination label name in label_replace(): {target}")
    found: dict[str, Pair | None] = {}
    text_limit = _TextLimit(scope)

    def rewritten(labels: Labels) -> Labels | None:
        value = dict(labels).get(source, "")
        if value not in found:
            match = regex.fullmatch(value)
            text_limit.add(len(template) + template.count("$") * len(value))
            found[value] = None if match is None else (target, expanded(template, match))
        pair = found[value]
        return None if pair is None else replaced(labels, (pair,))

    return _relabelled(vector, target, rewritten)


def _label_join(scope: Scope, call: Call) -> Value:
    """Set a label to the values of others with a separator between them."""
    vector = scope.vector(call.args[0])
    target, separator, *sources = (scope.string(arg) for arg in call.args[1:])
    if not target:
        raise QueryError("execution", f"invalid destination label name in label_join(): {target}")
    text_limit = _TextLimit(scope)

    def rewritten(labels: Labels) -> Labels:
        pairs = dict(labels)
        parts = [pairs.get(name, "") for name in sources]
        text_limit.add(len(separator) * len(parts) + sum(map(len, parts)))
        return replaced(labels, ((target, separator.join(parts)),))

    return _relabelled(vector, target, rewritten)


def _relabelled(vector: StepVector, target: str, rewritten: Callable[[Labels], Labels | None]) -> StepVector:
    """Return `vector` with the labels that `rewritten` gives, None for unchanged; a name it writes is there to stay."""
    rows = [rewritten(row) for row in vector.labels]
    labels = LabelSets([old if new is None else new for old, new in zip(vector.labels, rows, strict=True)])
    nameless = vector.nameless
    if nameless is not None and target == METRIC_NAME:
        nameless = nameless & np.array([new is None for new in rows])
    return distinct(StepVector(labels, vector.values, vector.present, nameless))


RELABEL: Mapping[str, Function] = {"label_join": _label_join, "label_replace": _label_replace}
