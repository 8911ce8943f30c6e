"""Stack traces of Go, those of a panic, of debug.Stack and of errors that carry one: innermost call first."""

import re

from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, file_end

_CALL = re.compile(
    r"^(?P<creator>created by )?(?P<function>\S[^\n]*?)(?:\([^()\n]*+\))?(?: in goroutine \d++)?\n"
    r"[ \t]++(?P<file>\S[^\n]*?):\d++",
    re.MULTILINE,
)
_OTHER_GOROUTINE = re.compile(r"\n\s*\n(?=goroutine \d)")
_ANONYMOUS = re.compile(r"(?:\.(?:func|gowrap)?\d+|-fm|-range\d+)+$")
_TYPE_ARGUMENTS = re.compile(r"\[.*\]")
_PACKAGE = re.compile(r"^(?P<path>(?:.*/)?[^./]*)\.")
_INSTALLED = re.compile(r"/pkg/mod/|/vendor/|@v\d")
_STANDARD = re.compile(
    r"(?:runtime|net|reflect|sync|testing|syscall|os|io|encoding|database|fmt|errors|context|time|bytes|strings|bufio"
    r"|crypto|html|text|log|math|internal|go|sort|strconv|regexp|path|iter|slices|maps|compress|archive|mime)(?:[/.]|$)"
)


def chain_of(text: str) -> Chain:
    """Return the calls of the first goroutine as one exception without a type; what made the goroutine is left out.

    Where it panics, the innermost call is the one that did, not the one that recovered.
    """
    first = _OTHER_GOROUTINE.split(text.lstrip(), maxsplit=1)[0]
    frames: list[Frame] = []
    for call in _CALL.finditer(first):
        if call["creator"]:
            break
        if call["function"] in ("panic", "runtime.gopanic"):
            frames.clear()
        else:
            frames.append(_frame(call["function"], call["file"]))
    return (Thrown("", distinct(frames)),)


def _frame(function: str, file: str) -> Frame:
    function = _ANONYMOUS.sub("", _TYPE_ARGUMENTS.sub("", function))
    return Frame(file_end(file), _PACKAGE.sub("", function, count=1), not _is_library(function, file))


def _is_library(function: str, file: str) -> bool:
    if _INSTALLED.search(file):
        return True
    package = _PACKAGE.match(function)
    if package is None or not _STANDARD.match(function):
        return False
    # its sources are in .../src/, or without a folder where paths were taken out of the binary (-trimpath)
    return file.startswith(package["path"]) or f"/src/{package['path']}/" in file
