"""Masking of the apps' telemetry: attributes, texts, names and statements."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import translate
from itertools import pairwise
from typing import Any, TypeAlias

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from sidecar.fingerprint import sql, statement
from sidecar.fingerprint.digest import digest
from sidecar.model.redact import HIDDEN
from sidecar.redaction import patterns
from sidecar.redaction.cards import CANDIDATE, has_card
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.long_text import beginning
from sidecar.redaction.masked import Masked, cut

LONGEST = 32 << 10
"""Characters of a text that are looked at; what comes after is left out."""
STATEMENTS = frozenset({"db.query.text", "db.statement"})
_REMEMBERED, _REMEMBERED_LENGTH = 4096, 256
"""Keys, and texts without a secret, that are remembered up to this length: most attributes say the same every time."""
_NEVER = r"$a"
LABEL_LENGTH = 256
IDENTIFYING = frozenset({"service.name", "service.namespace", "service.instance.id"})
_HASH_DIGITS = 8
_SECRET_OPTION = re2.compile(f"(?i){patterns.SECRET_OPTION}")
_KEY = "-----BEGIN "
_BACKTICK = re.compile(r"(`[\w$.-]{1,64}`)|`")
"""In a statement it quotes a name; in other text, as in traces of Ruby, it would hide how far a literal goes."""

_Rule: TypeAlias = tuple[str, str | Callable[[Any], str]]
"""A pattern of RE2, and what takes its place."""


class Redactor:
    """Masks what the configuration says; under one configuration, the same text always becomes the same."""

    def __init__(self, config: RedactConfig) -> None:
        self._begin, self._end = re2.compile(patterns.SQL), re2.compile(patterns.SQL_END)
        self.configure(config)

    def configure(self, config: RedactConfig) -> None:
        """Mask what another configuration says; what was kept stays as it was masked."""
        self.config = config
        self._sensitive = re.compile("|".join(translate(key.lower()) for key in config.attributes) or _NEVER)
        self._first = _Substitutions([*_keys(config)])
        self._all = _Substitutions([*_keys(config), *_labelled(config), *_whole(config)])
        self._whole = _Substitutions([*_keys(config), *_whole(config)])
        self._statement = _Substitutions([*_keys(config), *_labelled_names(config), *_whole(config)])
        self._keys: dict[str, bool] = {}
        self._harmless: set[str] = set()

    def __call__(self, key: str, value: Any) -> Any:
        """Return `value` of an attribute, masked; numbers stay. Lists and maps are looked through.

        What tells services and their instances apart still does so where it is masked: with some digits of its hash.
        """
        if isinstance(value, str | bytes):
            return self._text_of(key, value if isinstance(value, str) else value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {self.text(name): self(f"{key}.{name}", inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [HIDDEN if self._hides_next(one) else self(key, inner) for one, inner in pairwise(("", *value))]
        return value

    def text(self, text: str) -> Masked:
        """Return `text`, such as the message of an exception or its stack trace, masked."""
        if text in self._harmless:
            return Masked(text)
        found = beginning(text, LONGEST)
        if self.config.sql_literals and self._begin.search(found):
            found = "".join(self._without_literals(found))
        found = self._all(found)
        if found == text and len(text) <= _REMEMBERED_LENGTH:
            self._remember(text)
        return Masked(found)

    def label(self, text: str) -> Masked:
        """Return `text` masked, and cut to what a label may reasonably hold."""
        return cut(self.text(text), LABEL_LENGTH)

    def code(self, text: str) -> Masked:
        """Return names of code without what is a secret by itself, such as a key that stands there for a name."""
        return cut(Masked(self._whole(text[:LONGEST])), LABEL_LENGTH)

    def statement(self, system: str, text: str) -> Masked:
        """Return what was asked of a database without its values, and without secrets among its names."""
        return Masked(self._statement(statement.normalised(system, self._without_keys(text))))

    def _without_keys(self, text: str) -> str:
        """Return a statement without private keys, whose first line SQL takes for a comment."""
        return self._first(text) if _KEY in text else text

    def _hides_next(self, argument: Any) -> bool:
        """Return whether `argument` of a program, such as `--password`, says that the next one is a secret."""
        is_option = isinstance(argument, str) and argument.startswith("-") and self.config.credentials
        return is_option and _SECRET_OPTION.fullmatch(argument) is not None

    def _remember(self, text: str) -> None:
        if len(self._harmless) >= _REMEMBERED:
            self._harmless.clear()
        self._harmless.add(text)

    def _text_of(self, key: str, text: str) -> Masked:
        is_sensitive = self._is_sensitive(key)
        if key in IDENTIFYING:
            found = HIDDEN if is_sensitive else self.text(text)
            return Masked(found if found == text else f"{found}-{digest([text])[:_HASH_DIGITS]}")
        if is_sensitive:
            return Masked(HIDDEN)
        if key in STATEMENTS and self.config.sql_literals:
            return Masked(self._statement(statement.masked(self._without_keys(text))))
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
            if match:
                written = _BACKTICK.sub(lambda found: found[1] or "?", part[match.start() :])
                part = part[: match.start()] + sql.sanitised(written)
            yield part


class _Substitutions:
    """Patterns and what takes the place of what they find; a text is looked at once for all of them first."""

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._rules = [(re2.compile(pattern), replacement) for pattern, replacement in rules]
        self._any = re2.compile("|".join(f"(?:{pattern})" for pattern, _ in rules) or _NEVER)

    def __call__(self, text: str) -> str:
        if self._any.search(text):
            for pattern, replacement in self._rules:
                text = pattern.sub(replacement, text)
        return text


def _labelled(config: RedactConfig) -> Iterator[_Rule]:
    """Yield what is known by what stands before it, or around it."""
    if config.sql_literals:
        yield from ((pattern, rf"\1{HIDDEN}") for pattern in patterns.LABELLED_LITERALS)
    if config.credentials:
        yield from ((pattern, rf"\1{HIDDEN}") for pattern in patterns.LABELLED_CREDENTIALS)


def _labelled_names(config: RedactConfig) -> Iterator[_Rule]:
    """Yield the same for statements without values: `password = ?` stays."""
    yield from ((pattern, rf"\1{HIDDEN}") for pattern in patterns.LABELLED_LITERALS)
    if config.credentials:
        yield from ((pattern, _without_name) for pattern in patterns.LABELLED_CREDENTIALS)


def _without_name(found: Any) -> str:
    value = found[0][len(found[1]) :]
    return str(found[0]) if not value.strip("?()[]{}") else f"{found[1]}{HIDDEN}"


def _keys(config: RedactConfig) -> Iterator[_Rule]:
    """Yield what goes first: of a private key that has a label, the label alone would hide no more than one word."""
    if config.credentials:
        yield from ((pattern, HIDDEN) for pattern in patterns.CREDENTIALS)


def _whole(config: RedactConfig) -> Iterator[_Rule]:
    """Yield what is known by itself."""
    if config.credentials:
        yield from ((pattern, rf"\1{HIDDEN}@") for pattern in patterns.USERS)
    if config.emails:
        yield from ((pattern, HIDDEN) for pattern in patterns.EMAILS)
    if config.cards:
        yield CANDIDATE, _without_card
    yield from ((pattern, HIDDEN) for pattern in config.patterns)


def _without_card(found: Any) -> str:
    return HIDDEN if has_card(found[0]) else str(found[0])
