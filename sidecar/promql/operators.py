"""The operators of PromQL on numbers."""

from collections.abc import Callable, Mapping

import numpy as np

from sidecar.model.series import Bools, Floats

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.float_power,  # np.power takes the square root for 0.5, which -Inf does not have
    "atan2": np.arctan2,
}

COMPARISON: Mapping[str, Callable[[Floats, Floats], Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

SETS = frozenset({"and", "or", "unless"})
