"""Masking of attributes and texts."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from itertools import pairwise
from typing import Any

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from sidecar.fingerprint import sql, statement
from sidecar.model.redact import HIDDEN
from sidecar.spans.redaction import patterns
from sidecar.spans.redaction.config import RedactConfig

LONGEST = 32 << 10
"""Characters of a text that are looked at; what comes after is left out."""
_STATEMENTS = frozenset({"db.query.text", "db.statement"})
_REMEMBERED, _REMEMBERED_LENGTH = 4096, 256
"""Keys, and texts without a secret, that are remembered up to this length: most attributes say the same every time."""
_NEVER = r"$a"


class Redactor:
    """Masks what the configuration says; under one configuration, the same text always becomes the same."""

    def __init__(self, config: RedactConfig) -> None:
        self._begin, self._end = re2.compile(patterns.SQL), re2.compile(patterns.SQL_END)
        self.configure(config)

    def configure(self, config: RedactConfig) -> None:
        """Mask what another configuration says; what was kept stays as it was masked."""
        self._config = config
        self._sensitive = re.compile("|".join(translate(key.lower()) for key in config.attributes) or _NEVER)
        self._substitutions = [(re2.compile(pattern), text) for pattern, text in _substitutions(config)]
        self._any = re2.compile("|".join(f"(?:{pattern})" for pattern, _ in _substitutions(config)) or _NEVER)
        self._keys: dict[str, bool] = {}
        self._harmless: set[str] = set()

    def __call__(self, key: str, value: Any) -> Any:
        """Return `value` of an attribute, masked; numbers stay. Lists and maps are looked through."""
        if isinstance(value, str | bytes):
            return self._text_of(key, value if isinstance(value, str) else value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {name: self(f"{key}.{name}", inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self(key, inner) for inner in value]
        return value

    def text(self, text: str) -> str:
        """Return `text`, such as the message of an exception or its stack trace, masked."""
        text = text[:LONGEST]
        if text in self._harmless:
            return text
        found = text
        if self._config.sql_literals and self._begin.search(text):
            found = "".join(self._without_literals(text))
        if self._any.search(found):
            for pattern, replacement in self._substitutions:
                found = pattern.sub(replacement, found)
        if found == text and len(text) <= _REMEMBERED_LENGTH:
            self._remember(text)
        return found

    def _remember(self, text: str) -> None:
        if len(self._harmless) >= _REMEMBERED:
            self._harmless.clear()
        self._harmless.add(text)

    def _text_of(self, key: str, text: str) -> str:
        if self._is_sensitive(key):
            return HIDDEN
        if key in _STATEMENTS and self._config.sql_literals:
            return statement.masked(text)
        return self.text(text)

    def _is_sensitive(self, key: str) -> bool:
        found = self._keys.get(key)
        if found is None:
            if len(self._keys) >= _REMEMBERED:
                self._keys.clear()
            found = self._sensitive.match(key.lower()) is not None
            if len(key) <= _REMEMBERED_LENGTH:
                self._keys[key] = found
        return found

    def _without_literals(self, text: str) -> Iterator[str]:
        """Yield the parts of `text`; of those that are SQL the literals are masked."""
        ends = [match.start() for match in self._end.finditer(text)]
        for start, end in pairwise((0, *ends, len(text))):
            part = text[start:end]
            match = self._begin.search(part)
            yield part[: match.start()] + sql.sanitised(part[match.start() :]) if match else part


def _substitutions(config: RedactConfig) -> Iterator[tuple[str, str]]:
    if config.sql_literals:
        yield from ((pattern, rf"\1{HIDDEN}") for pattern in patterns.LABELLED_LITERALS)
    if config.credentials:
        yield from ((pattern, HIDDEN) for pattern in patterns.CREDENTIALS)
        yield from ((pattern, rf"\1{HIDDEN}") for pattern in patterns.LABELLED_CREDENTIALS)
        yield from ((pattern, rf"\1{HIDDEN}@") for pattern in patterns.USERS)
    if config.emails:
        yield from ((pattern, HIDDEN) for pattern in patterns.EMAILS)
    yield from ((pattern, HIDDEN) for pattern in config.patterns)
