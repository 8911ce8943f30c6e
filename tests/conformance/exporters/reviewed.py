"""The reviewed explanations of differences, and the table of them in the docs."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.conformance.exporters.compare import Difference, Kind

FILE = Path(__file__).parent / "differences.yaml"

VERSIONS = {"postgres_exporter": "0.11.1", "redis_exporter": "1.45.0"}

INTRODUCTION = """# Exporter parity

Generated from the reviewed file that a test checks; do not edit. The test loads a Postgres 15 and a Redis 7.0, has
them scraped by Debian's postgres_exporter and redis_exporter and by the sidecar in one run, and compares every family
that the exporters emit by default: its type, its label names, its series, and the values within the drift between two
scrapes. What is not in these tables is the same. Names are those of the exporters' newest versions, so some
differences are what an upgrade of the exporter would have brought.
"""


class Explanation(NamedTuple):
    """Why families that match `families` differ in one of the ways of `kinds`; `why` is for users.

    `only` is a pattern that each detail must have, so that it explains these series and no others. `within` is by how
    much a value may be off at most.
    """

    families: str
    kinds: tuple[str, ...]
    why: str
    only: str = ""
    within: float = inf

    def covers(self, difference: Difference) -> bool:
        """Return whether `difference` is explained by this."""
        fits = difference.kind in self.kinds and fnmatchcase(difference.family, self.families)
        return fits and all(
            re.search(self.only, detail.text) and not detail.off_by > self.within for detail in difference.details
        )

    def is_about_drift(self) -> bool:
        """Return whether a run may do without it: values that often differ, and sometimes do not."""
        return self.kinds == (Kind.VALUE,)


class Review(NamedTuple):
    """What is explained, what is not, and which explanations nothing needed."""

    explained: Sequence[tuple[Difference, Explanation]]
    unexplained: Sequence[Difference]
    unneeded: Sequence[Explanation]


def explanations(exporter: str) -> list[Explanation]:
    """Return what the reviewed file says about `exporter`; the first that fits is the one."""
    entries: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())[exporter]
    return [Explanation(**{**entry, "kinds": tuple(entry["kinds"])}) for entry in entries]


def review(differences: Iterable[Difference], known: Sequence[Explanation]) -> Review:
    """Return `differences` with their explanations."""
    explained, unexplained = [], []
    for difference in differences:
        fitting = next((explanation for explanation in known if explanation.covers(difference)), None)
        if fitting is None:
            unexplained.append(difference)
        else:
            explained.append((difference, fitting))
    needed = {explanation for _, explanation in explained}
    unneeded = [entry for entry in known if entry not in needed and not entry.is_about_drift()]
    return Review(explained, unexplained, unneeded)


def page() -> str:
    """Return docs/reference/exporter-parity.md."""
    lines = [INTRODUCTION]
    for exporter, version in VERSIONS.items():
        lines += [f"## {exporter} {version}", "", "| families | what differs | why |", "|---|---|---|"]
        for entry in explanations(exporter):
            lines.append(f"| `{entry.families}` | {', '.join(entry.kinds)} | {entry.why} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
