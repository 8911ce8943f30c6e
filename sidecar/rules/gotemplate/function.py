"""Functions that templates call: what they take, in Go's types, and what becomes of an argument that does not fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sidecar.rules.gotemplate.values import Opaque, Struct, Value, type_of

ANY = "interface {}"
INTEGERS = ("int", "time.Duration")
"""Types of whole numbers."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the Go types of its parameters; the last one of a variadic function repeats.

    One with several `results` cannot be called.
    """

    call: Callable[..., Value]
    parameters: tuple[str, ...] = ()
    variadic: bool = False
    results: int = 1


Functions: TypeAlias = Mapping[str, Function]


def can_be_nil(wanted: str) -> bool:
    """Return whether nil is a value of the type `wanted`: of all but Go's plain types."""
    return wanted not in ("string", "float64", "bool", "time.Time", *INTEGERS)


def fitting(value: Value, wanted: str) -> Value:
    """Return `value` as an argument of the type `wanted`; raise ValueError, with Go's words, if it is none."""
    if wanted == ANY:
        return value
    if value is None:
        if can_be_nil(wanted):
            return None
        raise ValueError(f"invalid value; expected {wanted}")
    if isinstance(value, Struct) and value.is_pointer and value.go_type == wanted:
        return value
    if isinstance(value, Opaque) and value.go_type == wanted:
        return value.inner
    if type_of(value) != wanted:
        raise ValueError(f"wrong type for value; expected {wanted}; got {type_of(value)}")
    return value
