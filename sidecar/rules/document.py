"""A rule file's YAML as Go reads it into strings: scalars stay as they were written, and each knows its place."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import yaml

from sidecar.model.duration import parse_duration_ms
from sidecar.model.errors import Problem
from sidecar.model.yaml.mapping import Mappings
from sidecar.model.yaml.place import place_in_scalar
from sidecar.model.yaml.text import TEXT, Composed, NotYamlError, compose, lines_of, mark_of
from sidecar.rules.go_scalar import integer_of, is_null, text_of

ValueT = TypeVar("ValueT")


class RuleDocument:
    """The first document of a rule file; reading it collects all problems instead of stopping at one.

    `warnings` are what Prometheus does not mind, and whoever wrote the file would. With `any_field` fields that nobody
    knows are left out instead.
    """

    def __init__(self, name: str, text: str, *, any_field: bool = False) -> None:
        self.name = name
        self._any_field = any_field
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.lines = lines_of(text.removeprefix("\ufeff"))
        self._mappings = Mappings(self.report)
        self.root, version, further = self._compose(text)
        if version not in (None, (1, 1)):
            self.problems.append(Problem(name, 1, 1, "`%YAML` must be 1.1 or left out, as for Prometheus"))
        if further:
            message = "a second document begins here; as in Prometheus, nothing of it is read"
            self.warnings.append(Problem(name, *further, message))

    def report(self, node: yaml.Node, message: str) -> None:
        """Add a problem at the start of `node`."""
        self.problems.append(Problem(self.name, *mark_of(node), message))

    def warn(self, node: yaml.Node, message: str) -> None:
        """Add a warning at the start of `node`."""
        self.warnings.append(Problem(self.name, *mark_of(node), message))

    def report_inside(self, node: yaml.Node, line: int, column: int, message: str) -> None:
        """Add a problem at `line` and `column` (from 1) of the text that the scalar `node` stands for."""
        self.problems.append(self.problem_inside(node, line, column, message))

    def problem_inside(self, node: yaml.Node, line: int, column: int, message: str) -> Problem:
        """Return what `report_inside` adds."""
        assert isinstance(node, yaml.ScalarNode)
        return Problem(self.name, *place_in_scalar(self.lines, node, line, column), message)

    def fields(self, node: yaml.Node | None, what: str, known: Sequence[str]) -> dict[str, yaml.Node]:
        """Return the values of a mapping by key; keys that are not `known` are problems."""
        found = {}
        for key, value in self._pairs(node, what):
            if key.value in known:
                found[key.value] = value
            elif not self._any_field:
                self.report(key, f"unknown field `{key.value}` in {what}; known here: {', '.join(known)}")
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Return the elements of a list, without nulls, which Go's YAML drops; none where there is no value."""
        if node is None or is_null(node):
            return []
        if isinstance(node, yaml.SequenceNode):
            return [item for item in node.value if not is_null(item)]
        self.report(node, f"{what} must be a list")
        return []

    def texts(self, node: yaml.Node | None, what: str) -> list[tuple[yaml.Node, str, yaml.Node]]:
        """Return a mapping of strings as (node of the key, value, node of the value)."""
        return [(key, self.text(value, what), value) for key, value in self._pairs(node, what)]

    def text(self, node: yaml.Node | None, what: str) -> str:
        """Return a string as it was written; empty where there is no value."""
        return self._read(node, what, text_of, "a string") or ""

    def duration_ms(self, node: yaml.Node | None, what: str) -> int:
        """Return a duration in milliseconds; 0 where there is no value."""
        return self._read(node, what, lambda scalar: parse_duration_ms(text_of(scalar)), "a duration") or 0

    def integer(self, node: yaml.Node | None, what: str) -> int:
        """Return a whole number; 0 where there is no value."""
        return self._read(node, what, integer_of, "a whole number") or 0

    def scalar(self, node: yaml.Node | None, what: str, read: Callable[[yaml.ScalarNode], ValueT]) -> ValueT | None:
        """Return what `read` makes of a scalar; None where there is no value, and where it raises ValueError."""
        return self._read(node, what, read, "a single value")

    def _read(
        self, node: yaml.Node | None, what: str, read: Callable[[yaml.ScalarNode], ValueT], kind: str
    ) -> ValueT | None:
        if node is None or is_null(node):
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, f"{what} must be {kind}")
            return None
        try:
            return read(node)
        except ValueError as error:
            self.report(node, f"{what}: {error}")
            return None

    def _compose(self, text: str) -> Composed:
        try:
            return compose(text)
        except NotYamlError as error:
            self.problems.append(Problem(self.name, *error.mark, str(error)))
            return Composed(None)

    def _pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Yield keys and values; a key that is null is dropped, as Go's YAML does."""
        if node is None or is_null(node):
            return
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{what} must be a mapping")
            return
        for key, value in self._mappings.entries(node).values():
            if not is_null(key):
                name = self.text(key, f"a key of {what}")
                yield yaml.ScalarNode(TEXT, name, key.start_mark, key.end_mark, key.style), value
