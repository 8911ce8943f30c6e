"""Stack traces of Swift, as Thread.callStackSymbols and the runtime's backtraces have them: innermost call first."""

import re

from sidecar.fingerprint.stacks.code import Grammar, file_end
from sidecar.fingerprint.stacks.native import plain
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct

_SYMBOLS = re.compile(
    r"^\s*\d+\s+(?P<image>[\w.+?-]+)\s+0x[\da-f]+\s+(?P<symbol>[^\n]+?) \+ \d+\r?$"
    r"|^\s*\d+\s+(?:\[[^\]\n]*\] )?0x[\da-f]+\s+(?P<function>[^\n]+?) \+ \d+ in (?P<binary>[\w.+-]+)"
    r"(?: at (?P<file>[^\n]+?):\d+(?::\d+)?)?\r?$",
    re.MULTILINE,
)
_GRAMMAR = Grammar(
    re.compile(r"(?:[\w.$+*-]+/)?[\w.+-]+"), re.compile(r"[-+]?\[?\$?[A-Za-z_]\w*(?:[. ][A-Za-z_]\w*:?)*\]?")
)
_MODULE = re.compile(r"^\$[sS]\d+([A-Za-z]\w*)")
_LIBRARY_IMAGE = re.compile(
    r"lib\w|Foundation|UIKit|SwiftUI|Core\w+|CF\w*|dyld|AppKit|Combine|GraphicsServices|QuartzCore|\?\?\?|Network|XCTest"
)
_LIBRARY = re.compile(
    r"\$[sS](?:s|S|\d+(?:Swift|Foundation|NIO|Vapor|OTel|Tracing|Hummingbird|_Concurrency))|_?swift_|start$|main$|_dispatch|__"
)


def chain_of(text: str) -> Chain:
    """Return the calls as one exception without a type."""
    return (Thrown("", distinct(map(_frame, _SYMBOLS.finditer(text)))),)


def is_whole(_: str) -> bool:
    """Return False: such lines have too little of their own to be told from others where the language is not known."""
    return False


def _frame(call: re.Match[str]) -> Frame | None:
    image = call["image"] or call["binary"] or ""
    symbol, is_named = plain((call["symbol"] or call["function"] or "").removeprefix("@objc "))
    names = _GRAMMAR.names(file_end(call["file"]) if call["file"] else image, symbol)
    return names and Frame(*names, not _LIBRARY_IMAGE.match(image) and not _LIBRARY.match(symbol), is_named)
