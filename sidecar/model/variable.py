"""Environment variables in the values of a configuration: `${NAME}`, `${NAME:-default}`, and `$$` for a dollar sign."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_REFERENCE = re.compile(r"\$\$|\$\{(?P<inner>[^}]*)(?P<end>\}?)")
_INNER = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{]*))?")
_WHOLE = re.compile(r"\$(?P<name>[A-Z_][A-Z0-9_]*)")
_SHOWN = re.compile(r"[\w. ]{0,40}([^\w. ]?[\w. ]{1,40}$|[^\w. ]{0,2})")


class Mistake(NamedTuple):
    """What is wrong with a reference that begins at `offset`, in characters."""

    offset: int
    message: str


class Substituted(NamedTuple):
    """A value with its variables in place; one that has mistakes is not to be used."""

    text: str
    mistakes: tuple[Mistake, ...] = ()


def substitute(text: str, env: Mapping[str, str]) -> Substituted:
    """Return `text` with what `env` has for each reference; a variable must be set and not empty, or have a default.

    What looks like a reference and is none is a mistake: shells know forms that would stay as they are here, silently.
    A dollar sign before anything else is one; all that goes for a default as well. A mistake shows the name and never a
    default, which may be a secret.
    """
    whole = _WHOLE.fullmatch(text)
    if whole:
        name = whole["name"]
        return Substituted("", (Mistake(0, f"`${name}` is no reference; write `${{{name}}}`, or `$$` for a dollar"),))
    mistakes: list[Mistake] = []

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        try:
            return _value(match, env)
        except ValueError as error:
            mistakes.append(Mistake(match.start(), str(error)))
            return ""

    return Substituted(_REFERENCE.sub(replaced, text), tuple(mistakes))


def has_reference(text: str) -> bool:
    """Return whether `text` has something that begins like a reference."""
    return "${" in text.replace("$$", "")


def _value(match: re.Match[str], env: Mapping[str, str]) -> str:
    inner = _INNER.fullmatch(match["inner"])
    if not match["end"]:
        raise ValueError(f"`{_shown(match)}` has no closing brace; `$$` is a dollar sign")
    if not inner:
        forms = "`${NAME}` and `${NAME:-default}`, without braces in the default"
        raise ValueError(f"`{_shown(match)}` is no reference; there are {forms}, and `$$` for a dollar sign")
    name, value = inner["name"], env.get(inner["name"])
    default = inner["default"]
    if default and _WHOLE.fullmatch(default):
        raise ValueError(f"`{_shown(match)}`: its default is nothing but `$` and a name; `$$` is a dollar sign")
    value = value or (default and default.replace("$$", "$"))
    if value is None:
        state = "is empty" if name in env else "is not set"
        raise ValueError(f"environment variable `{name}` {state}; `${{{name}:-default}}` gives a default")
    return value


def _shown(match: re.Match[str]) -> str:
    """Return the reference without what it may have behind a name and an operator."""
    found = _SHOWN.match(match["inner"])
    assert found is not None
    rest = "..." if found.end() < len(match["inner"]) else ""
    return f"${{{found[0]}{rest}{match['end']}"
