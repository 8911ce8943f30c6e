"""Tracebacks of Python: innermost call last, what an exception was caused by before it, groups behind bars."""

import re
from collections.abc import Iterator

from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_BETWEEN = re.compile(
    r"^(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):$",
    re.MULTILINE,
)
_LINE = re.compile(
    r"""^[ |+-]*+(?:File\ "(?P<file>[^"\n]++)",\ line\ \d++,\ in\ (?P<function>[^\n]++)
    |(?P<start>(?:Exception\ Group\ )?Traceback\ \(most\ recent\ call\ last\):)\r?$)
    |^(?:[ ]*\|[ ])?(?P<type>[^\W\d][\w.<>]*+)(?::|[ ]*\r?$)""",
    re.MULTILINE | re.VERBOSE,
)
_WHOLE = re.compile(
    r"\s*(?:\+ Exception Group )?Traceback \(most recent call last\):\r?\n[ |]*File \"[^\"\n]+\", line \d+, in "
)
_INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
"""No calls any more from Python 3.12 on."""
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?[\w+-]+(?:\.[\w+-]+)*|<\w+>"),
    re.compile(r"[^\W\d]\w*|<[a-z]+>|top-level template code|block '\w+'|template"),
)
_MADE = re.compile(r"<(\w*)[^>]*>")
"""Files that are none: code made at run time, by a library as a rule."""
_LIBRARY = re.compile(
    r"(?:site|dist)-packages/|/lib(?:64)?/python\d|/[Pp]ython[\d.]*/Lib/|^<|\.pyenv/|/opentelemetry/"
    r"|/otel-auto-instrumentation"
)


def chain_of(text: str) -> Chain:
    """Return the exceptions of a traceback, the one that was not caught first."""
    return tuple(thrown for part in reversed(_BETWEEN.split(text)) for thrown in _thrown(part))


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a traceback."""
    return _WHOLE.match(text) is not None


def _thrown(text: str) -> Iterator[Thrown]:
    """Yield the exception of one traceback; those of a group follow in the text and are its members."""
    blocks = list(_blocks(text))
    if blocks:
        yield blocks[0]._replace(members=tuple(blocks[1:]))


def _blocks(text: str) -> Iterator[Thrown]:
    """Yield what was thrown; after the line of an exception comes its message, until the next traceback starts."""
    frames: list[Frame | None] = []
    is_open = True
    for match in _LINE.finditer(text):
        if match["start"]:
            frames, is_open = [], True
        elif match["file"] and is_open:
            frames.append(_frame(match["file"], match["function"].strip()))
        elif match["type"] and is_open:
            yield Thrown(match["type"], distinct(reversed(frames)))
            frames, is_open = [], False
    if frames:
        yield Thrown("", distinct(reversed(frames)))


@remembered
def _frame(file: str, function: str) -> Frame | None:
    if function in _INLINED:
        return None
    made = _MADE.fullmatch(file)
    names = _GRAMMAR.names(f"<{made[1] or 'unknown'}>" if made else file_end(file), function)
    return names and Frame(*names, not _LIBRARY.search(file.replace("\\", "/")), not function.startswith("<"))
