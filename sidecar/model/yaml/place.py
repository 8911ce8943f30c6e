"""Where a character of a YAML scalar's text stands in the file."""

import re
import sys
from collections.abc import Iterator, Sequence

import yaml

Place = tuple[int, int]

_PROPERTIES = re.compile(r"\s*(?:[&!]\S*(?:\s+|$))*")
_PLAIN = re.compile(r".", re.DOTALL)
_CHARACTERS = {
    '"': re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|.", re.DOTALL),
    "'": re.compile(r"''|.", re.DOTALL),
}
"""What stands for one character, by the style of the scalar."""

_ESCAPED_SPACES = "tnvfr N_LP\t"


def place_in_scalar(lines: Sequence[str], node: yaml.ScalarNode, line: int, column: int) -> Place:
    """Return line and column in the file of `line`:`column` in the text of `node`; all count from 1.

    Indentation, folding and quotes change white space only, so the n-th character that is no white space in the text
    is the n-th in the file. Falls back to the start of the scalar.
    """
    start = (node.start_mark.line + 1, node.start_mark.column + 1)
    wanted = _solid_before(str(node.value), line, column)
    for index, place in enumerate(_solid_places(lines, node)):
        if index == wanted:
            return place
    return start


def _solid_before(text: str, line: int, column: int) -> int:
    """Return how many characters before the position are no white space; the end counts as the last character."""
    rows = text.split("\n")
    before = "".join(rows[: line - 1]) + (rows[line - 1][: column - 1] if line <= len(rows) else "")
    total = sum(not character.isspace() for character in text)
    return max(0, min(sum(not character.isspace() for character in before), total - 1))


def _solid_places(lines: Sequence[str], node: yaml.ScalarNode) -> Iterator[Place]:
    first, last = node.start_mark, node.end_mark
    properties = True
    for row in range(first.line, min(last.line + 1, len(lines))):
        begin = first.column if row == first.line else 0
        text = lines[row][: last.column] if row == last.line else lines[row]
        if properties:
            begin = _after_properties(text, begin)
            if begin == len(text):
                continue
            properties = False
            if node.style in ("|", ">"):
                continue
            begin += node.style in ('"', "'")
        yield from ((row + 1, column + 1) for column in _solid_columns(text, begin, node.style or ""))


def _after_properties(text: str, begin: int) -> int:
    """Return the column behind the anchor and the tag that stand before a scalar."""
    found = _PROPERTIES.match(text, begin)
    assert found is not None
    return found.end()


def _solid_columns(text: str, begin: int, style: str) -> Iterator[int]:
    """Yield the columns of what is not white space; an escaped character counts once, at its escape."""
    for found in _CHARACTERS.get(style, _PLAIN).finditer(text, begin):
        if not _meant(found[0], style).isspace():
            yield found.start()


def _meant(written: str, style: str) -> str:
    if style != '"' or written[0] != "\\":
        return written
    if len(written) == 1:
        return " "  # the line goes on
    if len(written) > 2:
        number = int(written[2:], 16)
        return chr(number) if number <= sys.maxunicode else written
    return " " if written[1] in _ESCAPED_SPACES else written
