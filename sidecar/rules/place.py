"""Where a character of a YAML scalar's text stands in the file."""

from collections.abc import Iterator, Sequence

import yaml

Place = tuple[int, int]


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
    escape = {'"': "\\", "'": "'"}.get(node.style or "", "")
    for row in range(first.line, min(last.line + 1, len(lines))):
        text = lines[row]
        begin = first.column if row == first.line else 0
        end = last.column if row == last.line else len(text)
        if row == first.line and node.style in ("|", ">"):
            continue
        if row == first.line and node.style in ('"', "'"):
            begin += 1
        yield from ((row + 1, column + 1) for column in _solid_columns(text[:end], begin, escape))


def _solid_columns(text: str, begin: int, escape: str) -> Iterator[int]:
    """Yield the columns of what is not white space; an escaped character counts once, at its escape."""
    column = begin
    while column < len(text):
        if not text[column].isspace():
            yield column
            column += bool(escape) and text[column] == escape
        column += 1
