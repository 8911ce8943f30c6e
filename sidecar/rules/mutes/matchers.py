"""Matchers as Alertmanager writes them: `name="value"`, with `=`, `!=`, `=~` or `!~`, in quotes or without."""

import re

from sidecar.model.matcher import Matcher, MatchOp

_MATCHER = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"{}\s,]*))\s*', re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_matcher(text: str) -> Matcher:
    """Return the matcher that `text` is; raise ValueError if it is none."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f"""`{text}` is no matcher as in `alertname="Slow"`""")
    name, op, quoted, plain = found.groups()
    value = plain if quoted is None else _ESCAPE.sub(_unescaped, quoted)
    return Matcher(name, MatchOp(op), value)


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", '"': '"', "\\": "\\"}.get(found[1], found[0])
