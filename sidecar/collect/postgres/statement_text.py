"""Texts of statements without literals: Postgres leaves those of commands such as ALTER ROLE as they are."""

import re

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\* )
    | (?P<escaped> [eE]'(?: [^'\\] | \\. | '' )*(?: ' | \Z ) )
    | (?P<kept> "(?: [^"] | "" )*(?: " | \Z ) | [^\W\d][\w$]* | \$\d+ )     # identifiers, keywords, parameters
    | (?P<quoted> '(?: [^'] | '' )*(?: ' | \Z ) )
    | (?P<dollars> (?P<tag> \$(?: [^\W\d]\w* )?\$ ) .*? (?: (?P=tag) | \Z ) )
    | (?P<number> \.?\d[\w.]*(?: (?<=[eE])[+-]\d+ )? )
    """,
    re.VERBOSE | re.DOTALL,
)
_EDGE_OF_COMMENT = re.compile(r"/\*|\*/")


def masked(text: str, max_length: int) -> str:
    """Return `text` in one line with `?` for every literal and without comments, cut to `max_length`.

    What is not closed, because the text was cut before, is masked to the end.
    """
    parts = []
    at = 0
    while match := _TOKEN.search(text, at):
        parts += [text[at : match.start()], _replacement(match)]
        at = _end_of_comment(text, match.end()) if match.group() == "/*" else match.end()
    line = " ".join("".join([*parts, text[at:]]).split())
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"


def _replacement(match: re.Match[str]) -> str:
    if match["kept"]:
        return match.group()
    return " " if match["comment"] else "?"


def _end_of_comment(text: str, start: int) -> int:
    """Return where the comment ends that began just before `start`; comments may hold comments."""
    depth = 1
    for edge in _EDGE_OF_COMMENT.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)
