"""From the text of a template to tokens, as Go's lexer finds them."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

SPACES = " \t\r\n"


class Kind(StrEnum):
    """What a token is."""

    TEXT = "text"
    LEFT = "{{"
    RIGHT = "}}"
    SPACE = "space"
    ASSIGN = "="
    DECLARE = ":="
    PIPE = "|"
    STRING = "string"
    RAW_STRING = "raw string"
    CHARACTER = "character"
    NUMBER = "number"
    VARIABLE = "variable"
    FIELD = "field"
    DOT = "."
    IDENTIFIER = "identifier"
    KEYWORD = "keyword"
    BOOL = "bool"
    NIL = "nil"
    OPEN = "("
    CLOSE = ")"
    OTHER = "other"
    ERROR = "error"
    END = "EOF"


class Token(NamedTuple):
    """A piece of the text, which begins at the character `position`; of an error, its message."""

    kind: Kind
    text: str
    position: int

    def shown(self) -> str:
        """Return the token as Go's messages show it."""
        if self.kind is Kind.END:
            return "EOF"
        if self.kind is Kind.KEYWORD:
            return f"<{self.text}>"
        return f'"{self.text[:10]}"...' if len(self.text) > 10 else f'"{self.text}"'


KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"})

_WORD = re.compile(r"\w+")
_QUOTED = {
    '"': (Kind.STRING, re.compile(r'"(?:\\[^\n]|[^"\\\n])*"'), "unterminated quoted string"),
    "'": (Kind.CHARACTER, re.compile(r"'(?:\\[^\n]|[^'\\\n])*'"), "unterminated character constant"),
    "`": (Kind.RAW_STRING, re.compile(r"`[^`]*`"), "unterminated raw quoted string"),
}
_SINGLE = {"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.OPEN, ")": Kind.CLOSE}
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?)"
    r"(?:(?<![xX])[eE][+-]?[0-9_]*|[pP][+-]?[0-9_]*)?i?"
)
_SPACE = re.compile(r"[ \t\r\n]+")


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`; the last one is END or ERROR."""
    position = 0
    while True:
        start = text.find("{{", position)
        piece = text[position:] if start < 0 else text[position:start]
        trimmed = start >= 0 and text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in (*SPACES,)
        shown = piece.rstrip(SPACES) if trimmed else piece
        if shown:
            yield Token(Kind.TEXT, shown, position)
        if start < 0:
            yield Token(Kind.END, "", len(text))
            return
        inner = start + 2 + 2 * trimmed
        action = _comment(text, inner) if text.startswith("/*", inner) else _action(text, start, inner)
        for token in action:
            if token.kind is Kind.ERROR:
                yield token
                return
            if token.kind is not Kind.END:
                yield token
            position = token.position + len(token.text)
        if text[position - 3 : position] == "-}}" and text[position - 4] in SPACES:
            position = len(text) - len(text[position:].lstrip(SPACES))


def _comment(text: str, begin: int) -> Iterator[Token]:
    end = text.find("*/", begin)
    if end < 0:
        yield Token(Kind.ERROR, "unclosed comment", begin)
        return
    closing = _closing(text, end + 2)
    if not closing:
        yield Token(Kind.ERROR, "comment ends before closing delimiter", begin)
        return
    yield Token(Kind.END, "", end + 2 + closing)


def _closing(text: str, position: int) -> int:
    """Return the length of the delimiter at `position`, the marker that trims included; 0 if there is none."""
    if text.startswith("}}", position):
        return 2
    return 4 if text[position : position + 1] in (*SPACES,) and text.startswith("-}}", position + 1) else 0


def _action(text: str, start: int, begin: int) -> Iterator[Token]:
    yield Token(Kind.LEFT, "{{", start)
    position, depth = begin, 0
    while True:
        closing = _closing(text, position)
        if closing:
            if depth:
                yield Token(Kind.ERROR, "unclosed left paren", position)
            yield Token(Kind.RIGHT, "}}", position + closing - 2)
            return
        if position == len(text):
            yield Token(Kind.ERROR, "unclosed action", start)
            return
        token = _token(text, position)
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if depth < 0:
            token = Token(Kind.ERROR, "unexpected right paren U+0029 ')'", position)
        yield token
        if token.kind is Kind.ERROR:
            return
        position += len(token.text)


def _token(text: str, position: int) -> Token:
    character = text[position]
    if character in SPACES:
        return _space(text, position)
    if character in _QUOTED:
        kind, pattern, message = _QUOTED[character]
        found = pattern.match(text, position)
        return Token(kind, found[0], position) if found else Token(Kind.ERROR, message, position)
    if character in _SINGLE:
        return Token(_SINGLE[character], character, position)
    if character == ":":
        if text.startswith(":=", position):
            return Token(Kind.DECLARE, ":=", position)
        return Token(Kind.ERROR, "expected :=", position)
    return _name_or_number(text, position, character)


def _space(text: str, position: int) -> Token:
    found = _SPACE.match(text, position)
    assert found is not None
    # The last space belongs to a delimiter that trims.
    trims = text.startswith("-}}", found.end())
    return Token(Kind.SPACE, found[0][:-1] if trims else found[0], position)


def _name_or_number(text: str, position: int, character: str) -> Token:
    following = text[position + 1 : position + 2]
    if character == "$" or (character == "." and not ("0" <= following <= "9" and following)):
        return _field_or_variable(text, position, character)
    if character in "+-.0123456789":
        return _number(text, position)
    if character.isalnum() or character == "_":
        return _word(text, position)
    if " " <= character <= "~":
        return Token(Kind.OTHER, character, position)
    return Token(Kind.ERROR, f"unrecognized character in action: {_unicode(character)}", position)


def _field_or_variable(text: str, position: int, character: str) -> Token:
    found = _WORD.match(text, position + 1)
    end = found.end() if found else position + 1
    if not _terminates(text, end):
        return Token(Kind.ERROR, f"bad character {_unicode(text[end])}", end)
    if character == "$":
        return Token(Kind.VARIABLE, text[position:end], position)
    return Token(Kind.FIELD if found else Kind.DOT, text[position:end], position)


def _number(text: str, position: int) -> Token:
    found = _NUMBER.match(text, position)
    assert found is not None
    end = found.end()
    if text[end : end + 1] in ("+", "-"):  # a complex number: no spaces, and it ends in `i`
        second = _NUMBER.match(text, end)
        assert second is not None
        if not second[0].endswith("i"):
            return Token(Kind.ERROR, f'bad number syntax: "{text[position : second.end()]}"', position)
        end = second.end()
    following = text[end : end + 1]
    if following and (following.isalnum() or following == "_"):
        return Token(Kind.ERROR, f'bad number syntax: "{text[position : end + 1]}"', position)
    return Token(Kind.NUMBER, text[position:end], position)


def _word(text: str, position: int) -> Token:
    found = _WORD.match(text, position)
    assert found is not None
    if not _terminates(text, found.end()):
        return Token(Kind.ERROR, f"bad character {_unicode(text[found.end()])}", found.end())
    word = found[0]
    if word in KEYWORDS:
        return Token(Kind.KEYWORD, word, position)
    if word in ("true", "false"):
        return Token(Kind.BOOL, word, position)
    return Token(Kind.NIL if word == "nil" else Kind.IDENTIFIER, word, position)


def _terminates(text: str, end: int) -> bool:
    return text[end : end + 1] in ("", " ", "\t", "\r", "\n", ".", ",", "|", ":", ")", "(", "}")


def _unicode(character: str) -> str:
    shown = f" '{character}'" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"
