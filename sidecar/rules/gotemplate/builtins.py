"""The functions that every template of Go has; `and` and `or` are part of its execution."""

from collections.abc import Callable, Sequence
from urllib.parse import quote_plus

from sidecar.rules.gotemplate.errors import CallError
from sidecar.rules.gotemplate.fmt import sprint, sprintf, sprintln
from sidecar.rules.gotemplate.function import ANY, Function
from sidecar.rules.gotemplate.values import (
    Byte,
    GoMap,
    Opaque,
    Slice,
    Struct,
    Value,
    is_text,
    is_true,
    pointed_to,
    type_of,
)

_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"},
)
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def index(item: Value, *keys: Value) -> Value:
    """Return `item[key]` for each key in turn."""
    if item is None:
        raise CallError("index of untyped nil")
    for key in keys:
        item = _element(item, key)
    return item


def _element(item: Value, key: Value) -> Value:
    if isinstance(item, GoMap):
        if key is None:
            raise CallError("value is nil; should be of type string")
        if type_of(key) != "string":
            raise CallError(f"value has type {type_of(key)}; should be string")
        return item[key]
    if is_text(item):
        data = item.encode("utf-8", "replace")
        return Byte(data[_position(key, len(data), "string")])
    if isinstance(item, Slice):
        return item[_position(key, len(item), "slice")]
    if item is None:
        raise CallError("index of nil pointer")
    raise CallError(f"can't index item of type {_pointed(item)}")


def _position(key: Value, length: int, kind: str) -> int:
    if key is None:
        raise CallError("cannot index slice/array with nil")
    if not isinstance(key, int) or isinstance(key, bool):
        raise CallError(f"cannot index slice/array with type {type_of(key)}")
    if not 0 <= key <= length:
        raise CallError(f"index out of range: {key}")
    if key == length:
        raise CallError(f"reflect: {kind} index out of range")
    return key


def slice_of(item: Value, *bounds: Value) -> Value:
    """Return `item[from:to:limit]` of a string or a slice."""
    if item is None:
        raise CallError("slice of untyped nil")
    if len(bounds) > 3:
        raise CallError(f"too many slice indexes: {len(bounds)}")
    if not is_text(item) and not isinstance(item, Slice):
        raise CallError(f"can't slice item of type {type_of(item)}")
    if is_text(item) and len(bounds) == 3:
        raise CallError("cannot 3-index slice a string")
    data = item.encode("utf-8", "replace") if is_text(item) else item
    places = [0, len(data), len(data)]
    for number, bound in enumerate(bounds):
        places[number] = _bound(bound, len(data))
    if places[0] > places[1]:
        raise CallError(f"invalid slice index: {places[0]} > {places[1]}")
    if len(bounds) == 3 and places[1] > places[2]:
        raise CallError(f"invalid slice index: {places[1]} > {places[2]}")
    part = data[places[0] : places[1]]
    return part.decode("utf-8", "replace") if is_text(item) else Slice(item.go_type, part)


def _bound(key: Value, length: int) -> int:
    return length if key == length and isinstance(key, int) else _position(key, length, "slice")


def length_of(item: Value) -> int:
    """Return how many bytes a string has, or elements a map or a slice."""
    if is_text(item):
        return len(item.encode("utf-8", "replace"))
    if isinstance(item, GoMap | Slice):
        return len(item)
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    raise CallError(f"len of type {_pointed(item)}")


def call(function: Value, *_: Value) -> Value:
    """Refuse: no value of a template is a function."""
    if function is None:
        raise CallError("call of nil")
    raise CallError(f"non-function of type {type_of(function)}")


def equal(first: Value, *others: Value) -> bool:
    """Return whether `first` equals any of the others."""
    if not others:
        raise CallError("missing argument for comparison")
    for other in others:
        if _kind(first) != _kind(other):
            if first is not None and other is not None:
                raise CallError("incompatible types for comparison")
        elif _kind(first) == "other":
            _comparable(first)
            _comparable(other)
            if first is other:
                return True
        elif first == other:
            return True
    return False


def less(first: Value, second: Value) -> bool:
    """Return whether `first` comes before `second`."""
    kind, other = _kind(first), _kind(second)
    if "other" in (kind, other):
        raise CallError("invalid type for comparison")
    if kind != other:
        raise CallError("incompatible types for comparison")
    if kind in ("bool", "complex"):
        raise CallError("invalid type for comparison")
    result: bool = first.encode() < second.encode() if kind == "string" else first < second
    return result


def _comparable(value: Value) -> None:
    if isinstance(value, GoMap | Slice) or (isinstance(value, Struct) and not value.is_pointer):
        raise CallError(f"non-comparable type {sprintf('%s', [value])}: {type_of(value)}")


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "bool"
    for kind, types in (("int", int), ("float", float), ("complex", complex), ("string", str)):
        if isinstance(value, types):
            return kind
    return "other"


def _pointed(item: Value) -> str:
    """Return the type of what `item` points to, or its own."""
    return item.go_type if isinstance(item, Struct | Opaque) else type_of(item)


def escaped(values: Sequence[Value], escape: Callable[[str], str]) -> str:
    """Return the values, printed together, with what `escape` makes of them."""
    whole = (
        values[0]
        if len(values) == 1 and type_of(values[0]) == "string"
        else sprint(["<no value>" if value is None else pointed_to(value) for value in values])
    )
    return escape(whole)


def _html(text: str) -> str:
    return text.translate(_HTML)


def _javascript(text: str) -> str:
    return "".join(_JS.get(character) or _js_character(character) for character in text)


def _js_character(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\u{number:04X}"


def _or_equal(first: Value, second: Value) -> bool:
    return less(first, second) or equal(first, second)


BUILTINS: dict[str, Function] = {
    "and": Function(lambda *values: values[-1], (ANY, ANY), variadic=True),
    "or": Function(lambda *values: values[-1], (ANY, ANY), variadic=True),
    "not": Function(lambda value: not is_true(value), (ANY,)),
    "call": Function(call, (ANY, ANY), variadic=True),
    "index": Function(index, (ANY, ANY), variadic=True),
    "slice": Function(slice_of, (ANY, ANY), variadic=True),
    "len": Function(length_of, (ANY,)),
    "print": Function(lambda *values: sprint(values), (ANY,), variadic=True),
    "printf": Function(lambda form, *values: sprintf(form, values), ("string", ANY), variadic=True),
    "println": Function(lambda *values: sprintln(values), (ANY,), variadic=True),
    "html": Function(lambda *values: escaped(values, _html), (ANY,), variadic=True),
    "js": Function(lambda *values: escaped(values, _javascript), (ANY,), variadic=True),
    "urlquery": Function(lambda *values: escaped(values, _query), (ANY,), variadic=True),
    "eq": Function(equal, (ANY, ANY), variadic=True),
    "ne": Function(lambda first, second: not equal(first, second), (ANY, ANY)),
    "lt": Function(less, (ANY, ANY)),
    "le": Function(_or_equal, (ANY, ANY)),
    "gt": Function(lambda first, second: not _or_equal(first, second), (ANY, ANY)),
    "ge": Function(lambda first, second: not less(first, second), (ANY, ANY)),
}


def _query(text: str) -> str:
    return quote_plus(text)
