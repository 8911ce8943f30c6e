"""From YAML text to nodes, for the configuration and for rule files: whatever is not YAML is told at its place."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import yaml

MAX_DEPTH = 64
"""Nothing we read nests a tenth as deep, and composing what nests very deep overflows the stack of the C parser."""

TAG = "tag:yaml.org,2002:"
TEXT = f"{TAG}str"
PLAIN = "plain"
"""The tag of a scalar without quotes and without a tag: what it is depends on its text. A quoted one is TEXT."""

_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOTHING = re.compile(r"\s*(#.*|(---|\.\.\.)\s*(#.*)?)?")
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


class Mark(NamedTuple):
    """A place in a file; both count from 1, 0 means the whole file."""

    line: int
    column: int


class Composed(NamedTuple):
    """The first document of a text, whose root is None when it is empty.

    `version` is that of a `%YAML` line; `further` is where another document begins that is not empty.
    """

    root: yaml.Node | None
    version: tuple[int, int] | None = None
    further: Mark | None = None


class _ParserMark(Protocol):
    """What both parsers say about a place, counting from 0."""

    line: int
    column: int


class NotYamlError(Exception):
    """The text cannot be read as YAML; `mark` is where that shows."""

    def __init__(self, mark: Mark, message: str) -> None:
        self.mark = mark
        super().__init__(message)


_PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _QuoteEscapes(yaml.BaseLoader):
    """Knows a quote with a backslash between double quotes, as Go's library does and libyaml does not; slow."""

    ESCAPE_REPLACEMENTS: ClassVar = {**yaml.BaseLoader.ESCAPE_REPLACEMENTS, "'": "'"}  # type: ignore[misc] # types-PyYAML has it final


def mark_of(node: yaml.Node) -> Mark:
    """Return where `node` starts."""
    return _place(node.start_mark)


def mark_after(text: str) -> Mark:
    """Return the place right after `text`."""
    lines = lines_of(text)
    return Mark(len(lines), len(lines[-1]) + 1)


def decode(data: bytes) -> str:
    """Return the text of a file, in UTF-16 if it begins with that byte order mark, in UTF-8 otherwise.

    Raises NotYamlError at what is neither.
    """
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = mark_after(data[: error.start].decode(encoding).removeprefix("\ufeff"))
        name = encoding.upper()
        raise NotYamlError(place, f"byte 0x{data[error.start]:02x} is not {name} text") from error


def lines_of(text: str) -> Sequence[str]:
    """Return the lines of `text` as YAML counts them: NEL, LS and PS end a line too, a form feed does not."""
    return _LINE_BREAK.split(text)


def is_blank(text: str) -> bool:
    """Return whether `text` has nothing but white space, comments and marks of documents."""
    return all(_NOTHING.fullmatch(line) for line in lines_of(text.removeprefix("\ufeff")))


def compose(text: str) -> Composed:
    """Return the first document of `text`; raise NotYamlError if that is not YAML or nests too deep.

    An alias is the node that it stands for, even inside of that node. Not left to PyYAML, which refuses an anchor that
    is given twice, as YAML allows, and decides by YAML 1.1 what a plain scalar is: Go, Python and YAML 1.2 say
    different things of `yes`.
    """
    text = text.removeprefix("\ufeff")
    strange = _NOT_TEXT.search(text)
    if strange:
        place = mark_after(text[: strange.start()])
        raise NotYamlError(place, f"not valid YAML: control character U+{ord(strange[0]):04X}")
    try:
        return _composed(text, _PARSER)
    except NotYamlError as error:
        if "\\'" not in text or "unknown escape" not in str(error):
            raise
    return _composed(text, _QuoteEscapes)


def _composed(text: str, parser: Any) -> Composed:
    events = yaml.parse(text, Loader=parser)
    try:
        next(events)  # the start of the stream
        start = next(events)
        if not isinstance(start, yaml.DocumentStartEvent):
            return Composed(None)
        root = _Composer(events).node(next(events), 0)
        return Composed(root, start.version, _further(events))
    except yaml.MarkedYAMLError as error:
        raise _located(error) from error
    except yaml.YAMLError as error:
        raise NotYamlError(Mark(0, 0), f"not valid YAML: {' '.join(str(error).split())}") from error


class _Composer:
    """Makes nodes of the events of one document."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, yaml.Node] = {}

    def node(self, event: yaml.Event, depth: int) -> yaml.Node:
        """Return the node that begins with `event`, with all that is in it."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                # Not by its name: a password that begins with `*` would be told.
                raise NotYamlError(_place(event.start_mark), "not valid YAML: found undefined alias")
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            untagged = TEXT if event.style else PLAIN
            tag = untagged if event.tag in (None, "!") else event.tag
            return self._anchored(event, yaml.ScalarNode(tag, event.value, *_marks(event), style=event.style))
        if depth == MAX_DEPTH:
            raise NotYamlError(_place(event.start_mark), f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.SequenceStartEvent):
            sequence = yaml.SequenceNode(event.tag or f"{TAG}seq", [], *_marks(event))
            self._anchored(event, sequence)
            sequence.value += self._until(yaml.SequenceEndEvent, depth)
            return sequence
        assert isinstance(event, yaml.MappingStartEvent)
        mapping = yaml.MappingNode(event.tag or f"{TAG}map", [], *_marks(event))
        self._anchored(event, mapping)
        inner = self._until(yaml.MappingEndEvent, depth)
        mapping.value += zip(inner, inner, strict=True)
        return mapping

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[yaml.Node]:
        while not isinstance(event := next(self._events), end):
            yield self.node(event, depth + 1)

    def _anchored(self, event: yaml.NodeEvent, node: yaml.Node) -> yaml.Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


def _further(events: Iterator[yaml.Event]) -> Mark | None:
    """Return where a document after the first begins; one without content, as a `---` at the end, is none."""
    start = None
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                start = event.start_mark
            empty = isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value
            if isinstance(event, yaml.NodeEvent) and not empty:
                return _place(start)
    except yaml.MarkedYAMLError as error:
        return _located(error).mark
    return None


def _marks(event: yaml.Event) -> tuple[Any, Any]:
    return event.start_mark, event.end_mark


def _located(error: yaml.MarkedYAMLError) -> NotYamlError:
    return NotYamlError(
        _place(error.problem_mark or error.context_mark), f"not valid YAML: {error.problem or error.context}"
    )


def _place(mark: _ParserMark | None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(0, 0)
