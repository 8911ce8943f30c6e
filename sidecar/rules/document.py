"""A rule file's YAML as Go reads it into strings: scalars stay as they were written, and each knows its place."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import yaml

from sidecar.model.duration import parse_duration_ms
from sidecar.model.errors import Problem
from sidecar.model.yaml_text import NotYamlError, compose, mark_of
from sidecar.rules.place import place_in_scalar

T = TypeVar("T")

_Loader: type[yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAG = "tag:yaml.org,2002:str"


class RuleDocument:
    """The first document of a rule file; reading it collects all problems instead of stopping at one."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._lines = text.removeprefix("\ufeff").splitlines()
        self.root = self._compose(text)

    def report(self, node: yaml.Node, message: str) -> None:
        """Add a problem at the start of `node`."""
        self.problems.append(Problem(self.name, *mark_of(node), message))

    def report_inside(self, node: yaml.Node, line: int, column: int, message: str) -> None:
        """Add a problem at `line` and `column` (from 1) of the text that the scalar `node` stands for."""
        assert isinstance(node, yaml.ScalarNode)
        self.problems.append(Problem(self.name, *place_in_scalar(self._lines, node, line, column), message))

    def fields(self, node: yaml.Node | None, what: str, known: Sequence[str]) -> dict[str, yaml.Node]:
        """Return the values of a mapping by key; keys that are not `known` are problems."""
        found = {}
        for key, value in self._pairs(node, what):
            if key.value in known:
                found[key.value] = value
            else:
                self.report(key, f"unknown field `{key.value}` in {what}; known here: {', '.join(known)}")
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Return the elements of a list, without nulls, which Go's YAML drops; none where there is no value."""
        if _is_null(node):
            return []
        if isinstance(node, yaml.SequenceNode):
            return [item for item in node.value if not _is_null(item)]
        assert node is not None
        self.report(node, f"{what} must be a list")
        return []

    def texts(self, node: yaml.Node | None, what: str) -> list[tuple[yaml.Node, str, yaml.Node]]:
        """Return a mapping of strings as (node of the key, value, node of the value)."""
        return [(key, self.text(value, what), value) for key, value in self._pairs(node, what)]

    def text(self, node: yaml.Node | None, what: str) -> str:
        """Return a string as it was written; empty where there is no value."""
        if node is None or _is_null(node):
            return ""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.report(node, f"{what} must be a string")
        return ""

    def duration_ms(self, node: yaml.Node | None, what: str) -> int:
        """Return a duration in milliseconds; 0 where there is no value."""
        return 0 if _is_null(node) else self._converted(node, what, parse_duration_ms)

    def integer(self, node: yaml.Node | None, what: str) -> int:
        """Return a whole number; 0 where there is no value."""
        return 0 if _is_null(node) else self._converted(node, what, _go_integer)

    def _converted(self, node: yaml.Node | None, what: str, convert: Callable[[str], int]) -> int:
        text = self.text(node, what)
        assert node is not None
        try:
            if convert is _go_integer and isinstance(node, yaml.ScalarNode) and node.style:
                raise ValueError("a string is not a whole number")
            return convert(text) if isinstance(node, yaml.ScalarNode) else 0
        except ValueError as error:
            self.report(node, f"{what}: {error}")
            return 0

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return compose(text, _Loader, only_document=False)
        except NotYamlError as error:
            self.problems.append(Problem(self.name, *error.mark, str(error)))
            return None

    def _pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Yield keys and values, those of `<<` merges last; a key given twice is a problem."""
        if node is None or _is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{what} must be a mapping")
            return
        seen: set[str] = set()
        for key, value in self._own_pairs(node, what):
            if key.value in seen:
                self.report(key, f"`{key.value}` is given twice in {what}")
            else:
                seen.add(key.value)
                yield key, value
        for merged in _merged_mappings(node):
            yield from ((key, value) for key, value in self._own_pairs(merged, what) if key.value not in seen)

    def _own_pairs(self, node: yaml.MappingNode, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.report(key, f"a key of {what} must be a string")
            elif not _is_merge(key):
                yield key, value


def _merged_mappings(node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
    for key, value in node.value:
        if _is_merge(key):
            candidates = value.value if isinstance(value, yaml.SequenceNode) else [value]
            yield from (item for item in candidates if isinstance(item, yaml.MappingNode) and item is not node)


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style


def _is_null(node: yaml.Node | None) -> bool:
    if node is None:
        return True
    plain = isinstance(node, yaml.ScalarNode) and not node.style  # "" from the C loader, None from the other
    return plain and node.value in _NULLS and node.tag in (_TEXT_TAG, "tag:yaml.org,2002:null")


def _go_integer(text: str) -> int:
    """Return what Go's YAML takes for an int: any base, `_` between digits, and a float cut to its whole part."""
    plain = text.replace("_", "")
    try:
        if len(plain.lstrip("+-")) > 1 and plain.lstrip("+-").startswith("0") and plain.lstrip("+-").isdigit():
            return int(plain, 8)
        number = int(plain, 0)
    except ValueError:
        number = _whole_part(plain, text)
    if abs(number) >= 2**63:
        raise ValueError(f"`{text}` is out of range")
    return number


def _whole_part(plain: str, text: str) -> int:
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"`{text}` is not a whole number")
    return int(value)
