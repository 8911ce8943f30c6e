"""Operands that are one token: constants, fields, variables and functions."""

from collections.abc import Callable

from sidecar.rules.gotemplate.lex import Kind, Token
from sidecar.rules.gotemplate.nodes import Dot, Field, Identifier, Literal, Nil, Number, Operand, Variable
from sidecar.rules.gotemplate.strings import parsed_float, quoted, unquoted


def _string(token: Token) -> Literal:
    return Literal(token.position, token.text, unquoted(token.text))


def _character(token: Token) -> Number:
    try:
        value = unquoted(token.text)
    except ValueError:
        value = ""
    if len(value) != 1:
        raise ValueError(f"malformed character constant: {token.text}")
    return Number(token.position, token.text, ord(value), float(ord(value)))


def _number(token: Token) -> Number:
    written = token.text
    if written.endswith("i"):
        return Number(token.position, written, complex_number=_complex(written))
    try:
        integer = _integer(written)
    except ValueError:
        return _real(token)
    if not -(2**63) <= integer < 2**64:
        raise ValueError(f"integer overflow: {quoted(written)}")
    return Number(token.position, written, integer, float(integer))


def _real(token: Token) -> Number:
    written = token.text
    try:
        real = parsed_float(written.replace("_", ""))
    except ValueError as error:
        raise ValueError(f"illegal number syntax: {quoted(written)}") from error
    if not any(mark in written for mark in ".eEpP"):
        raise ValueError(f"integer overflow: {quoted(written)}")
    return Number(token.position, written, int(real) if real.is_integer() and abs(real) < 2**63 else None, real)


def _integer(written: str) -> int:
    digits = written.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits.replace("_", "").isdigit():
        return int(written, 8)
    return int(written, 0)


def _complex(written: str) -> complex:
    try:
        return complex(written[:-1] + "j")
    except ValueError as error:
        raise ValueError(f"illegal number syntax: {quoted(written)}") from error


TERMS: dict[Kind, Callable[[Token], Operand]] = {
    Kind.BOOL: lambda token: Literal(token.position, token.text, token.text == "true"),
    Kind.STRING: _string,
    Kind.RAW_STRING: _string,
    Kind.CHARACTER: _character,
    Kind.NUMBER: _number,
    Kind.NIL: lambda token: Nil(token.position),
    Kind.DOT: lambda token: Dot(token.position),
    Kind.FIELD: lambda token: Field(token.position, (token.text[1:],)),
    Kind.IDENTIFIER: lambda token: Identifier(token.position, token.text),
    Kind.VARIABLE: lambda token: Variable(token.position, token.text),
}
"""How the token of each kind is read; ValueError, with Go's words, for one that is none."""
