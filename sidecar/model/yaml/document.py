"""A YAML document as plain data that remembers where each value was written.

Knows nothing of what is configured, and does without pydantic: `sidecar healthcheck` reads one value every few seconds.
"""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from sidecar.model.errors import Problem
from sidecar.model.variable import has_reference, substitute
from sidecar.model.yaml.mapping import MAX_VALUES, Mappings
from sidecar.model.yaml.place import place_in_scalar
from sidecar.model.yaml.text import MAX_DEPTH, PLAIN, TAG, TEXT, Mark, NotYamlError, compose, lines_of, mark_of

Path = tuple[str | int, ...]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_LEFT_OUT: Final = object()
"""What a plain value is when all its variables are empty: as if its key were not there."""


class Document:
    """The first document of a text as dicts, lists, strings and None, with all its mistakes in `problems`.

    Scalars stay the text that was written, so `no` is no boolean and `0123` not octal: the field they are for says what
    they are. In them, variables of `env` are replaced; without an `env` a dollar sign is a dollar sign.

    `unknown` are the paths of values that could not be read, and `is_yaml` is False if none could: what is wrong with
    them cannot be told.
    """

    def __init__(self, name: str, text: str, env: Mapping[str, str] | None) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.unknown: set[Path] = set()
        self.is_yaml = True
        self._env = env
        self._lines = lines_of(text.removeprefix("\ufeff"))
        self._marks: dict[Path, Mark] = {}
        self._key_marks: dict[Path, Mark] = {}
        self._open: set[int] = set()
        self._mappings = Mappings(self._report)
        self._resolver = yaml.resolver.Resolver()
        self.data = self._read(text)
        self.problems.sort(key=lambda problem: problem[1:3])

    def problem_at(self, path: Path, message: str) -> Problem:
        """Return a problem at the value of `path`, or at its nearest parent that was written."""
        return Problem(self.name, *self._nearest(path), message)

    def problem_at_key(self, path: Path, message: str) -> Problem:
        """Return a problem at the key that `path` ends with."""
        return Problem(self.name, *(self._key_marks.get(path) or self._nearest(path)), message)

    def _nearest(self, path: Path) -> Mark:
        known = (path[:length] for length in range(len(path), -1, -1) if path[:length] in self._marks)
        return self._marks.get(next(known, ()), Mark(1, 1))

    def _read(self, text: str) -> Any:
        try:
            composed = compose(text)
            if composed.further:
                raise NotYamlError(composed.further, "a second document begins here, of which nothing would be read")
            value = None if composed.root is None else self._value(composed.root, ())
        except NotYamlError as error:
            self.problems.append(Problem(self.name, *error.mark, str(error)))
            self.is_yaml = False
            return None
        return None if value is _LEFT_OUT else value

    def _report(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(self.name, *mark_of(node), message))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._marks[path] = mark_of(node)
        if len(path) > MAX_DEPTH:
            raise NotYamlError(mark_of(node), f"nested more than {MAX_DEPTH} levels deep, aliases included")
        if len(self._marks) > MAX_VALUES:
            raise NotYamlError(mark_of(node), f"more than {MAX_VALUES} values, aliases included")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._report(node, "an alias inside of this refers to it: it would never end")
            self.unknown.add(path)
            return None
        self._open.add(id(node))
        try:
            return self._collection(node, path)
        finally:
            self._open.remove(id(node))

    def _collection(self, node: yaml.Node, path: Path) -> Any:
        if node.tag not in (f"{TAG}map", f"{TAG}seq"):
            self._report_tag(node)
            self.unknown.add(path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        values = [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return [None if value is _LEFT_OUT else value for value in values]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        entries = self._mappings.entries(node)
        if id(node) in self._mappings.incomplete:
            self.unknown.add(path)
        for key, (key_node, value_node) in entries.items():
            self._key_marks[(*path, key)] = mark_of(key_node)
            if self._env is not None and has_reference(key):
                self._report(key_node, "a key cannot have a variable in it")
            value = self._value(value_node, (*path, key))
            if value is not _LEFT_OUT:
                result[key] = value
        return result

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        tag = self._resolver.resolve(  # type: ignore[no-untyped-call] # types-PyYAML leaves it out
            yaml.ScalarNode, node.value, (True, False)
        )
        plain = node.tag in (PLAIN, tag) and node.tag != TEXT
        if not plain and node.tag != TEXT:
            self._report_tag(node)
            self.unknown.add(path)
        text = self._text(node, path)
        if not plain or text not in _NULLS:
            return text
        return None if text or not node.value else _LEFT_OUT

    def _text(self, node: yaml.ScalarNode, path: Path) -> str:
        text = str(node.value)
        if self._env is None or "$" not in text:
            return text
        replaced, mistakes = substitute(text, self._env)
        for offset, message in mistakes:
            before = text[:offset].split("\n")
            place = place_in_scalar(self._lines, node, len(before), len(before[-1]) + 1)
            self.problems.append(Problem(self.name, *place, message))
            self.unknown.add(path)
        return replaced

    def _report_tag(self, node: yaml.Node) -> None:
        # Only YAML's own by their names: a password that begins with `!` would be told.
        tag = f"tag `{node.tag.replace(TAG, '!!')}`" if node.tag.startswith(TAG) else "a tag"
        self._report(node, f"{tag} cannot be used here; the key says how its value is read")
