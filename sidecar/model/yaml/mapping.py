"""Mappings with their merges (`<<`), as the YAML library of Prometheus reads them."""

from collections.abc import Callable, Iterator, Mapping

import yaml

from sidecar.model.yaml.text import PLAIN, TAG, mark_of

MAX_VALUES = 100_000
"""A few lines of aliases to aliases stand for billions of values; no file that we read has a hundredth of these."""

Entry = tuple[yaml.ScalarNode, yaml.Node]
"""A key and its value."""


class Mappings:
    """Reads the mappings of one document; what is wrong with one goes to `report`, once.

    `incomplete` has the id of each node that merges what cannot be merged.
    """

    def __init__(self, report: Callable[[yaml.Node, str], None]) -> None:
        self.incomplete: set[int] = set()
        self._report = report
        self._read: dict[int, dict[str, Entry]] = {}
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def entries(self, node: yaml.MappingNode) -> Mapping[str, Entry]:
        """Return the entries of `node` by key: its own, then those that it merges and does not have itself.

        Of several merged mappings the first wins, and each brings what it merges itself. Found once for a node, however
        many aliases lead to it.
        """
        if id(node) not in self._read:
            self._open.add(id(node))
            entries = self._own(node)
            size = len(entries)
            for merged in self._merged(node):
                entries |= {key: entry for key, entry in self.entries(merged).items() if key not in entries}
                size += self._sizes[id(merged)]
            self._open.remove(id(node))
            self._sizes[id(node)] = size if size <= MAX_VALUES else 0  # told once, and not by all that merge it
            if size > MAX_VALUES:
                self._report(node, f"`<<` stands for more than {MAX_VALUES} values here, aliases included")
            self._read[id(node)] = entries
        return self._read[id(node)]

    def _own(self, node: yaml.MappingNode) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._report(key, "a key must be a string, not a list or a mapping")
                continue
            if key.value in seen:
                self._report(key, f"key `{key.value}` is given twice")
            elif not _is_merge(key):
                entries[key.value] = (key, value)
            seen.add(key.value)
        return entries

    def _merged(self, node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
        for key, value in node.value:
            if not _is_merge(key):
                continue
            is_list = isinstance(value, yaml.SequenceNode) and not _is_alias(value, key)
            for item in value.value if is_list else [value]:
                if isinstance(item, yaml.MappingNode) and id(item) not in self._open:
                    yield item
                    continue
                self.incomplete.add(id(node))
                if id(item) in self._open:
                    self._report(key, "`<<` merges a mapping into itself")
                else:
                    self._report(key if _is_alias(item, key) else item, "`<<` takes a mapping or a list of mappings")


def _is_merge(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.tag in (PLAIN, f"{TAG}merge")


def _is_alias(value: yaml.Node, key: yaml.Node) -> bool:
    """Return whether the value of `key` was written elsewhere: an anchor stands before every alias of it."""
    return mark_of(value) < mark_of(key)
