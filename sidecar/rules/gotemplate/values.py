"""Values of templates and what Go says of them: their types, their fields, whether they are true."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

Value: TypeAlias = Any
"""A bool, int, float, complex or str of Python stands for Go's; None is nil, and a value that is missing."""

MISSING: Final = object()
"""What is piped into the first command: nothing, not even nil."""


class GoMap(dict[str, Value]):
    """A map with string keys; a key that is missing has the zero value of `element`, a type."""

    __slots__ = ("element",)

    def __init__(self, element: str, items: Mapping[str, Value]) -> None:
        super().__init__(items)
        self.element = element

    def __missing__(self, key: str) -> Value:
        """Return the zero value."""
        return "" if self.element == "string" else None


def string_map(items: Mapping[str, str]) -> GoMap:
    """Return `items` as a `map[string]string`."""
    return GoMap("string", items)


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct, or with `is_pointer` a pointer to one."""

    go_type: str
    fields: Mapping[str, Value]
    is_pointer: bool = False


class Slice(list[Value]):
    """A slice of a named type."""

    __slots__ = ("go_type",)

    def __init__(self, go_type: str, items: Sequence[Value]) -> None:
        super().__init__(items)
        self.go_type = go_type


class Html(str):
    """A string that html/template takes as it is: of a type of its own, shown like any other."""

    __slots__ = ()


Method: TypeAlias = Callable[[str], Any]
"""Returns the method of a value by its name, a Function, or None."""


class Opaque:
    """A value with methods, such as a time; `text` is its String().

    `inner` is what functions get that take one of its type, and what it points to if it `is_pointer`.
    """

    __slots__ = ("go_type", "inner", "is_pointer", "method", "text")

    def __init__(self, go_type: str, text: str, method: Method, *, is_pointer: bool, inner: Value = None) -> None:
        self.go_type = go_type
        self.text = text
        self.method = method
        self.is_pointer = is_pointer
        self.inner = inner


class Named(int):
    """A whole number of a type with methods, such as a duration or a month; `text` is its String()."""

    def __new__(cls, number: int, go_type: str, text: str, method: Method) -> Self:
        """Make one; an int is complete before __init__."""
        made = super().__new__(cls, number)
        made.go_type, made.text, made.method = go_type, text, method
        return made

    go_type: str
    text: str
    method: Method


class Byte(int):
    """A byte of a string."""


def type_of(value: Value) -> str:
    """Return the name of the Go type of `value`."""
    if value is None:
        return "<nil>"
    if isinstance(value, GoMap):
        return f"map[string]{value.element}"
    if isinstance(value, Struct | Opaque):
        return f"{'*' * value.is_pointer}{value.go_type}"
    if isinstance(value, Slice | Named):
        return value.go_type
    return _NAMES.get(type(value), type(value).__name__)


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float64",
    complex: "complex128",
    str: "string",
    Html: "template.HTML",
    Byte: "uint8",
}


def pointed_to(value: Value) -> Value:
    """Return what is shown of `value`: of a pointer, what it points to."""
    if isinstance(value, Struct) and value.is_pointer:
        return Struct(value.go_type, value.fields)
    return value


def is_true(value: Value) -> bool:
    """Return whether an `if` takes `value` for true: not zero, not empty, not nil; a struct always is."""
    if isinstance(value, Struct | Opaque):
        return True
    return bool(value)


def is_text(value: Value) -> bool:
    """Return whether `value` is a string of any type."""
    return isinstance(value, str)
