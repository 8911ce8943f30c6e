"""From YAML text to nodes, for the configuration and for rule files: whatever is not YAML is told at its place."""

import re
from typing import NamedTuple, Protocol

import yaml

MAX_DEPTH = 64
"""Nothing we read nests a tenth as deep, and composing what nests very deep overflows the stack of the C parser."""

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n?|\n")


class Mark(NamedTuple):
    """A place in a file; both count from 1, 0 means the whole file."""

    line: int
    column: int


class _ParserMark(Protocol):
    """What both parsers say about a place, counting from 0."""

    line: int
    column: int


class NotYamlError(Exception):
    """The text cannot be read as YAML; `mark` is where that shows."""

    def __init__(self, mark: Mark, message: str) -> None:
        self.mark = mark
        super().__init__(message)


def mark_of(node: yaml.Node) -> Mark:
    """Return where `node` starts."""
    return _place(node.start_mark)


def mark_after(text: str) -> Mark:
    """Return the place right after `text`."""
    lines = _LINE_BREAK.split(text)
    return Mark(len(lines), len(lines[-1]) + 1)


def compose(
    text: str, loader_type: type[yaml.SafeLoader] | type[yaml.BaseLoader], only_document: bool
) -> yaml.Node | None:
    """Return the root of the first document of `text`, None when there is none.

    Raises NotYamlError for text that is not YAML or nests too deep and, if `only_document`, for a second document.
    """
    text = text.removeprefix("\ufeff")
    strange = _NOT_TEXT.search(text)
    if strange:
        place = mark_after(text[: strange.start()])
        raise NotYamlError(place, f"not valid YAML: control character U+{ord(strange[0]):04X}")
    _refuse_deep(text, loader_type)
    loader = loader_type(text)
    try:
        if only_document:
            return loader.get_single_node()
        return loader.get_node() if loader.check_node() else None
    except yaml.MarkedYAMLError as error:
        raise _located(error) from error
    except yaml.YAMLError as error:
        raise NotYamlError(Mark(0, 0), f"not valid YAML: {' '.join(str(error).split())}") from error
    finally:
        loader.dispose()


def _refuse_deep(text: str, loader_type: type[yaml.SafeLoader] | type[yaml.BaseLoader]) -> None:
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader_type):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise NotYamlError(_place(event.start_mark), f"nested more than {MAX_DEPTH} levels deep")
    except yaml.YAMLError:
        return  # Composing meets the same mistake and tells it.


def _located(error: yaml.MarkedYAMLError) -> NotYamlError:
    return NotYamlError(
        _place(error.problem_mark or error.context_mark), f"not valid YAML: {error.problem or error.context}"
    )


def _place(mark: _ParserMark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(0, 0)
