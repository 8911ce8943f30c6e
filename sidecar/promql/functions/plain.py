"""Functions that apply to the values of instant vectors, and those between scalars and vectors."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from sidecar.model.series import Floats
from sidecar.promql.ast import Call
from sidecar.promql.functions.calendar import CALENDAR
from sidecar.promql.functions.math import MATH, Elementwise, at_least, at_most, round_to
from sidecar.promql.names import without_name
from sidecar.promql.scope import Scope
from sidecar.promql.value import StepVector, Value, single_series, take

Function = Callable[[Scope, Call], Value]


def mapped(vector: StepVector, values: Floats) -> StepVector:
    """Return `vector` with other values and without metric names."""
    return without_name(replace(vector, values=values))


def _elementwise(function: Elementwise) -> Function:
    def apply(scope: Scope, call: Call) -> Value:
        vector = scope.vector(call.args[0])
        return mapped(vector, function(vector.values))

    return apply


def _calendar(function: Elementwise) -> Function:
    def apply(scope: Scope, call: Call) -> Value:
        if not call.args:
            return single_series(function(scope.times / 1000))
        vector = scope.vector(call.args[0])
        return mapped(vector, function(vector.values))

    return apply


def _round(scope: Scope, call: Call) -> Value:
    vector = scope.vector(call.args[0])
    nearest = scope.scalar(call.args[1]) if len(call.args) > 1 else np.ones(len(scope.times))
    return mapped(vector, round_to(vector.values, nearest))


def _clamp(scope: Scope, call: Call) -> Value:
    """Return the values within both limits; nothing where the limits contradict each other."""
    vector = scope.vector(call.args[0])
    lower, upper = scope.scalar(call.args[1]), scope.scalar(call.args[2])
    possible = replace(vector, present=vector.present & ~(lower > upper))
    return mapped(possible, at_least(at_most(vector.values, upper), lower))


def _clamp_min(scope: Scope, call: Call) -> Value:
    vector = scope.vector(call.args[0])
    return mapped(vector, at_least(vector.values, scope.scalar(call.args[1])))


def _clamp_max(scope: Scope, call: Call) -> Value:
    vector = scope.vector(call.args[0])
    return mapped(vector, at_most(vector.values, scope.scalar(call.args[1])))


def _time(scope: Scope, call: Call) -> Value:
    del call
    return scope.times / 1000


def _pi(scope: Scope, call: Call) -> Value:
    del call
    return np.full(len(scope.times), np.pi)


def _scalar(scope: Scope, call: Call) -> Value:
    """Return the value of the only series at a step, or NaN."""
    vector = scope.vector(call.args[0])
    total = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return np.where(vector.present.sum(axis=0) == 1, total, np.nan)


def _vector(scope: Scope, call: Call) -> Value:
    return single_series(scope.scalar(call.args[0]))


def _timestamp(scope: Scope, call: Call) -> Value:
    return without_name(scope.sample_times(call.args[0]))


def _sorted(sign: float) -> Function:
    def apply(scope: Scope, call: Call) -> Value:
        """Order an instant query's samples, NaN last; a range query has its own order."""
        vector = scope.vector(call.args[0])
        if len(scope.times) > 1 or not len(vector.labels):
            return vector
        return take(vector, np.argsort(vector.values[:, 0] * sign, kind="stable"))

    return apply


PLAIN: Mapping[str, Function] = {
    **{name: _elementwise(function) for name, function in MATH.items()},
    **{name: _calendar(function) for name, function in CALENDAR.items()},
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "pi": _pi,
    "round": _round,
    "scalar": _scalar,
    "sort": _sorted(1.0),
    "sort_desc": _sorted(-1.0),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
}
