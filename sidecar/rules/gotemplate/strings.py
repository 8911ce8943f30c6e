"""Strings as Go writes and reads them: literals, and the quotes of `%q`."""

import re

from sidecar.rules.gotemplate.errors import CallError

_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)|\n|.", re.DOTALL)
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_WRITTEN = {character: f"\\{letter}" for letter, character in _NAMED.items()}


def unquoted(literal: str) -> str:
    """Return the string that a literal in any of Go's three quotes stands for; raise ValueError for none."""
    quote, inner = literal[0], literal[1:-1]
    if quote == "`":
        return inner.replace("\r", "")
    data = b"".join(_unescaped(found[0], quote) for found in _ESCAPE.finditer(inner))
    return data.decode("utf-8", "replace")


def quoted(text: str, quote: str = '"', *, only_ascii: bool = False) -> str:
    """Return `text` as a Go literal."""
    return f"{quote}{''.join(_escaped(character, quote, only_ascii) for character in text)}{quote}"


def parsed_float(text: str) -> float:
    """Return the number that strconv.ParseFloat reads in `text`; raise CallError with its message."""
    plain = text if _STRAY.search(text) else text.replace("_", "")
    if _HEX_FLOAT.fullmatch(plain):
        return float.fromhex(plain)
    if not _FLOAT.fullmatch(plain):
        raise CallError(f"strconv.ParseFloat: parsing {quoted(text)}: invalid syntax")
    number = float(plain)
    if number in (float("inf"), float("-inf")) and "n" not in plain.lower():
        raise CallError(f"strconv.ParseFloat: parsing {quoted(text)}: value out of range")
    return number


_STRAY = re.compile(r"(?<![0-9a-fA-FxX])_|_(?![0-9a-fA-F])")
"""An underscore that does not separate two digits."""

_HEX_FLOAT = re.compile(r"[+-]?0[xX](?=[0-9a-fA-F.]*[0-9a-fA-F])[0-9a-fA-F]*\.?[0-9a-fA-F]*[pP][+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))|(?i:[+-]?nan)")


def _unescaped(written: str, quote: str) -> bytes:
    if not written.startswith("\\"):
        if written in (quote, "\n"):
            raise ValueError("invalid syntax")
        return written.encode("utf-8", "replace")
    letter = written[1:2]
    if letter in _NAMED:
        return _NAMED[letter].encode()
    if letter == quote:
        return quote.encode()
    if letter.isdigit() and len(written) == 4:
        if int(written[1:], 8) > 255:
            raise ValueError("invalid syntax")
        return bytes([int(written[1:], 8)])
    if len(written) < 3:
        raise ValueError("invalid syntax")
    number = int(written[2:], 16)
    if letter == "x":
        return bytes([number])
    if number > 0x10FFFF or 0xD800 <= number < 0xE000:
        raise ValueError("invalid syntax")
    return chr(number).encode()


def _escaped(character: str, quote: str, only_ascii: bool) -> str:
    if character == quote:
        return f"\\{quote}"
    if character in _WRITTEN:
        return _WRITTEN[character]
    number = ord(character)
    if character.isprintable() and (number < 0x80 or not only_ascii):
        return character
    if number < 0x20 or number == 0x7F:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
