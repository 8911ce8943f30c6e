"""Lines of what peers send, ended where their protocol ends a line and nowhere else.

`str.splitlines` ends a line at ten characters, a vertical tab and U+2028 among them. Any of them may stand in a name
that somebody else chose, who would then write lines of their own.
"""


def crlf_lines(text: str) -> list[str]:
    """Return the lines of a text whose lines end in CR LF, as in RESP and HTTP; CR or LF alone are text."""
    return _lines(text, "\r\n")


def lf_lines(text: str) -> list[str]:
    """Return the lines of a text whose lines end in LF, as in Prometheus' formats and in the files of Linux."""
    return _lines(text, "\n")


def one_line(text: str) -> str:
    r"""Return `text` with an escape such as `\x0b` or `\u2028` for each character that cannot be printed.

    What is printable already comes back as it is; characters that are no text, lone surrogates, are escaped too.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _lines(text: str, end: str) -> list[str]:
    lines = text.split(end)
    if not lines[-1]:
        lines.pop()  # what is behind the last end is a line only if something stands there
    return lines


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
