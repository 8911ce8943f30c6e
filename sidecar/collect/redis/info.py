"""Reading INFO: numbers under names, some of which clients of the server chose."""

import re
from collections.abc import Collection, Mapping

from sidecar.codec.peer.lines import crlf_lines, lf_lines, one_line

Info = Mapping[str, str]
"""The fields of INFO ALL by name; no name stands in two sections."""

_LISTS = {
    "commandstats": "cmdstat_",
    "errorstats": "errorstat_",
    "latencystats": "latency_percentiles_usec_",
    "keyspace": "db",
}
"""Sections that are lists, and how all of their fields start; the rest of the name may be a client's."""

_LISTED = re.compile(r"(?:cmdstat_|errorstat_|latency_percentiles_usec_|db[0-9]+\Z)")
_REPLICA = re.compile("slave[0-9]+")


def parse_info(text: str) -> dict[str, str]:
    """Return the fields of an INFO reply; headings, empty lines and what has no colon are skipped.

    No client can take the place of a field that is not its own. The fields of a list stand in its section alone. Any
    text may be the address of a replica (REPLCONF ip-address), with lines and headings in it: so what stands before the
    first replica stays, and behind it the last field of a name and the last section of a list count, which are the
    server's.
    """
    plain = _Plain()
    lists: dict[str, dict[str, str]] = {}
    prefix: str | None = None
    has_sections = False
    # Redis itself always ends lines in CR LF, whatever clients have chosen; some servers of its protocol only in LF.
    for line in crlf_lines(text) if "\r\n" in text else lf_lines(text):
        if line.startswith("#"):
            has_sections = True
            prefix = _LISTS.get(line[1:].strip().lower())
            if prefix is not None:
                lists[prefix] = {}
        elif prefix is not None and line.startswith(prefix):
            _add_listed(lists[prefix], line)
        elif not (has_sections and _LISTED.match(line.partition(":")[0])):
            plain.add(line)
    return plain.fields | {name: value for of_list in lists.values() for name, value in of_list.items()}


class _Plain:
    """The fields that are in no list."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._before_replicas: Collection[str] | None = None

    def add(self, line: str) -> None:
        """Take a line."""
        name, colon, value = line.partition(":")
        if self._before_replicas is None and _REPLICA.fullmatch(name):
            self._before_replicas = frozenset(self.fields)
        settled = self.fields if self._before_replicas is None else self._before_replicas
        if colon and name not in settled:
            self.fields[name] = value


def _add_listed(fields: dict[str, str], line: str) -> None:
    # No value of a list has a colon, and a name may have one in servers before Redis 6.2.2.
    name, colon, value = line.rpartition(":")
    if colon:
        fields.setdefault(one_line(name), value)


def rows_with(info: Info, prefix: str) -> dict[str, dict[str, str]]:
    """Return the fields that start with `prefix` by the rest of their name, their `k=v,...` taken apart by name."""
    return {field[len(prefix) :]: parse_pairs(value) for field, value in info.items() if field.startswith(prefix)}


def parse_pairs(text: str) -> dict[str, str]:
    """Return `a=1,b=2` as a dict, whatever the order and whichever pairs a version has.

    The last of a name counts: what a client chose, the address of a replica, stands before what the server says.
    """
    return {key: value for key, equals, value in (pair.partition("=") for pair in text.split(",")) if equals}
