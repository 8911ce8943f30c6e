"""SQL without its literals: statements that differ only in values become one."""

import re

from sidecar.fingerprint.literals import WITH_NAMES, Quoting, pattern_of
from sidecar.fingerprint.misquoted import without_misquoted
from sidecar.fingerprint.names_of_drivers import unnamed
from sidecar.fingerprint.passwords import without_passwords
from sidecar.fingerprint.systems import quoting_of
from sidecar.fingerprint.value_lists import folded, shortened

__all__ = ["LONGEST", "Quoting", "normalised", "quoting_of", "sanitised"]

LONGEST = 8192
"""Characters of a statement that are looked at, without most values of long lists; where it is cut, an open literal
counts as one to the end."""
_LONGEST_AT_ALL = 256 << 10
"""Characters among which long lists are looked for, 6 ms."""
_DATA = re.compile(
    r"\b(?:FORMAT|format)\s++(?:CSV|TSV|TabSeparated|TSKV|JSON|Values|Custom|Template|Regexp|Raw|Line|SQLInsert|Markdown)\w*+\s++(?=\S)"
    r"|\b(?:FROM|from)\s++(?:STDIN|stdin)\b[^;\n]{0,200}+;\s++(?=\S)"
)
"""What stands before data: in ClickHouse the name of a format, in Postgres the end of a COPY."""
_DATA_WORDS = ("FORMAT", "format", "STDIN", "stdin")
_TAKES_DATA = re.compile(r"(?i)\b(?:INSERT\s++INTO|COPY)\b")
_BEFORE_NAME = re.compile(r"(?i)\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s*+\Z")
_BEFORE_NAME_BEGIN = 20
"""Characters before a name that are looked at, enough for one of these words."""


def sanitised(sql: str, quoting: Quoting = Quoting.UNSURE) -> str:
    """Return `sql` with `?` for each literal and placeholder and without comments; white space and case stay.

    Lists of values after IN are one `?`, of several rows after VALUES the first stays. A sign before a number belongs
    to it. What cannot be read, such as a string without an end, counts as a literal. Takes linear time. The form is
    that of the OpenTelemetry conventions for `db.query.text`.
    """
    return folded(without_passwords(_Reading(quoting, gap="", keeps_sign=False).of(_cut(sql))))


def normalised(sql: str, quoting: Quoting = Quoting.UNSURE) -> str:
    """Return `sanitised` with single spaces, without what is no part of a query: what statements are told apart by.

    That is a semicolon at the end, and the names that drivers make for savepoints, cursors and the like. A sign that
    is an operator stays.
    """
    text = folded(without_passwords(_Reading(quoting, gap=" ", keeps_sign=True).of(_cut(sql))))
    return unnamed(" ".join(text.split()).rstrip("; "))


def _cut(sql: str) -> str:
    """Return what of `sql` is looked at, with `?` for data that the server is given in the text."""
    data = _DATA.search(sql, 0, LONGEST) if has_data(sql) else None
    if data and _TAKES_DATA.search(sql, 0, data.end()):
        return f"{sql[: data.end()]}?"
    return sql if len(sql) <= LONGEST else shortened(sql[:_LONGEST_AT_ALL])[:LONGEST]


def has_data(sql: str) -> bool:
    """Return whether the server may be given data in the text."""
    return any(word in sql for word in _DATA_WORDS)


class _Reading:
    """Replaces literals; a text that has a name in double quotes where that was unsure is read again."""

    def __init__(self, quoting: Quoting, gap: str, *, keeps_sign: bool) -> None:
        self._quoting = quoting
        self._gap = gap
        self._keeps_sign = keeps_sign
        self._has_names = False

    def of(self, sql: str) -> str:
        text = pattern_of(self._quoting).sub(self._replaced, sql)
        if not self._has_names:
            return text if self._quoting is not Quoting.SQLITE else without_misquoted(text)
        self._has_names = False
        quoting = WITH_NAMES[self._quoting]
        text = pattern_of(quoting).sub(self._replaced, sql)
        return text if quoting is not Quoting.UNSURE_NAMES else without_misquoted(text)

    def _replaced(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind in ("kept", "sole"):
            return match[0]
        plain = match["plain"]
        if kind == "gap":
            return plain + self._gap
        if match.end() == match.end("plain"):
            return plain
        if kind == "minus" and self._keeps_sign:
            return f"{plain}{match['minus']}?"
        if kind == "double" and _BEFORE_NAME.search(plain, max(len(plain) - _BEFORE_NAME_BEGIN, 0)):
            self._has_names = True
        return f"{plain}?"
