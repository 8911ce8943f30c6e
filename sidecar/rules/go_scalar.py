"""Scalars of YAML as Go's library reads them into strings and whole numbers: mostly as they were written."""

import base64
import binascii
import math
import re
from datetime import datetime

import yaml

from sidecar.model.yaml.text import PLAIN, TAG, TEXT

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_TRUTHS = {"true": True, "yes": True, "on": True, "y": True, "false": False, "no": False, "off": False, "n": False}
_FLOATS = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOATS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGERS = re.compile(r"[-+]?(0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2})"
    r"(?P<t>[Tt ])(?P<time>[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2})([.,][0-9]{1,9})?(?P<zone>Z|[-+][0-9]{2}:[0-9]{2})?"
)

NULL = f"{TAG}null"
BINARY = f"{TAG}binary"
_INTEGER, _FLOAT, _BOOL, _TIMESTAMP = (f"{TAG}{name}" for name in ("int", "float", "bool", "timestamp"))
_RESOLVED = frozenset({NULL, _INTEGER, _FLOAT, _BOOL, _TIMESTAMP})


def is_null(node: yaml.Node) -> bool:
    """Return whether `node` is no value at all."""
    return isinstance(node, yaml.ScalarNode) and node.tag in (PLAIN, NULL) and node.value in _NULLS


def text_of(node: yaml.ScalarNode) -> str:
    """Return the string that `node` is to Go; raise ValueError when its tag does not fit what is written."""
    text = str(node.value)
    if node.tag == BINARY:
        return _decoded(text)
    if node.tag in _RESOLVED and node.tag != (resolved := _tag_of(text, node.tag)):
        raise ValueError(f"`{text}` is {resolved.replace(TAG, '!!')} and not {node.tag.replace(TAG, '!!')}")
    return text


def integer_of(node: yaml.ScalarNode) -> int:
    """Return the whole number that `node` is to Go: any base, `_` between digits, a float cut to its whole part.

    Raises ValueError for anything else, such as a number in quotes.
    """
    text = text_of(node)
    tag = _tag_of(text, "") if node.tag == PLAIN else node.tag
    number = _number(text.replace("_", "")) if tag in (_INTEGER, _FLOAT) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"`{text}` is not a whole number")
    if abs(number) >= 2**63:
        raise ValueError(f"`{text}` is out of range")
    return int(number)


def float_of(node: yaml.ScalarNode) -> float:
    """Return the number that `node` is to Go: of any base, `.inf` and `.nan` included.

    Raises ValueError for anything else, such as `NaN` or a number in quotes.
    """
    text = text_of(node)
    tag = _tag_of(text, "") if node.tag == PLAIN else node.tag
    if tag not in (_INTEGER, _FLOAT):
        raise ValueError(f"`{text}` is not a number")
    plain = text.replace("_", "")
    return float(plain.replace(".", "", 1)) if _SPECIAL_FLOATS.fullmatch(plain) else float(_number(plain))


def bool_of(node: yaml.ScalarNode) -> bool:
    """Return what `node` is to Go where it wants a truth value; raise ValueError for anything else."""
    if node.tag in (PLAIN, _BOOL) and node.value.lower() in _TRUTHS:
        return _TRUTHS[node.value.lower()]
    raise ValueError(f"`{node.value}` is not `true` or `false`")


def _tag_of(text: str, wanted: str) -> str:
    """Return what Go takes `text` for; a whole number is a float where that is `wanted`."""
    plain = text.replace("_", "")
    if text in _NULLS:
        return NULL
    if text in _BOOLS:
        return _BOOL
    if _INTEGERS.fullmatch(plain) and text[0] != "_" and -(2**63) <= _number(plain) < 2**64:
        return _FLOAT if wanted == _FLOAT else _INTEGER
    if _is_float(text, plain):
        return _FLOAT
    return _TIMESTAMP if _is_timestamp(text) else TEXT


def _is_float(text: str, plain: str) -> bool:
    if _SPECIAL_FLOATS.fullmatch(text):
        return True
    return bool(_FLOATS.fullmatch(plain)) and text[0] != "_" and math.isfinite(float(plain))


def _number(plain: str) -> int | float:
    """Return the number; it matches one of the patterns above, so no base and no notation is left to chance."""
    digits = plain.lstrip("+-")
    if _INTEGERS.fullmatch(plain):
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        return int(plain, 8) if octal else int(plain, 0)
    return math.nan if _SPECIAL_FLOATS.fullmatch(plain) else float(plain)


def _is_timestamp(text: str) -> bool:
    if _DATE.fullmatch(text):
        return _is_date(text, "%Y-%m-%d")
    match = _TIME.fullmatch(text)
    if not match or (match["t"] == " ") == bool(match["zone"]):
        return False
    return _is_date(f"{match['date']} {match['time']}", "%Y-%m-%d %H:%M:%S")


def _is_date(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether there is such a day
    except ValueError:
        return False
    return True


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"`!!binary` needs base64 of UTF-8 text: {error}") from error
