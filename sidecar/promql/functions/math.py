"""Functions of each value on its own."""

from collections.abc import Callable, Mapping

import numpy as np

from sidecar.model.series import Floats

Elementwise = Callable[[Floats], Floats]

MATH: Mapping[str, Elementwise] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": np.rad2deg,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": np.deg2rad,
    "sgn": lambda values: np.where(values < 0, -1.0, np.where(values > 0, 1.0, values)),
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def round_to(values: Floats, nearest: Floats) -> Floats:
    """Return `values` rounded to multiples of `nearest`, halves upward."""
    inverse = 1 / nearest
    return np.floor(values * inverse + 0.5) / inverse


def at_least(values: Floats, lower: Floats) -> Floats:
    """Return the larger of both: +Inf if either is, even beside NaN; else NaN if either is."""
    return np.where(np.isposinf(values) | np.isposinf(lower), np.inf, np.maximum(values, lower))


def at_most(values: Floats, upper: Floats) -> Floats:
    """Return the smaller of both: -Inf if either is, even beside NaN; else NaN if either is."""
    return np.where(np.isneginf(values) | np.isneginf(upper), -np.inf, np.minimum(values, upper))
