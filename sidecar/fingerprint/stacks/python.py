"""Tracebacks of Python: innermost call last, what an exception was caused by before it, groups behind bars."""

import re
from collections.abc import Iterator

from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, file_end

_BETWEEN = re.compile(
    r"^(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):$",
    re.MULTILINE,
)
_LINE = re.compile(
    r"""^[ |+-]*+(?:File\ "(?P<file>[^"\n]++)",\ line\ \d++,\ in\ (?P<function>[^\n]++)
    |(?P<start>(?:Exception\ Group\ )?Traceback\ \(most\ recent\ call\ last\):))
    |^(?:[ ]*\|[ ])?(?P<type>[^\W\d][\w.<>]*+)(?::|[ ]*$)""",
    re.MULTILINE | re.VERBOSE,
)
_INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
"""No calls any more from Python 3.12 on."""
_LIBRARY = re.compile(r"(?:site|dist)-packages/|/lib(?:64)?/python\d|/[Pp]ython[\d.]*/Lib/|^<frozen |\.pyenv/")


def chain_of(text: str) -> Chain:
    """Return the exceptions of a traceback, the one that was not caught first."""
    return tuple(thrown for part in reversed(_BETWEEN.split(text)) for thrown in _thrown(part))


def _thrown(text: str) -> Iterator[Thrown]:
    """Yield the exception of one traceback; those of a group follow in the text and are its members."""
    blocks = list(_blocks(text))
    if blocks:
        yield blocks[0]._replace(members=tuple(blocks[1:]))


def _blocks(text: str) -> Iterator[Thrown]:
    frames: list[Frame] = []
    is_open = False
    for match in _LINE.finditer(text):
        if match["start"]:
            frames, is_open = [], True
        elif match["file"]:
            frames.append(_frame(match["file"], match["function"]))
            is_open = True
        elif is_open:
            yield Thrown(match["type"], distinct(frame for frame in reversed(frames) if frame.function not in _INLINED))
            frames, is_open = [], False


def _frame(file: str, function: str) -> Frame:
    return Frame(file_end(file), function.strip(), not _LIBRARY.search(file.replace("\\", "/")))
