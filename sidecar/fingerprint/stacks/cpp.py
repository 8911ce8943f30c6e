"""Stack traces of C++, as std::stacktrace, Boost and glibc print them: innermost call first."""

import re

from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.native import plain
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct

_CALL = re.compile(
    r"^ *#?\d+(?:#|:)?\s+(?:0x[\da-f]+ (?:in )?)?(?P<function>[^\n]+?)"
    r"(?: (?:at|in) (?P<file>/?[^\n\s]+?)(?::\d+)?)?(?: \[0x[\da-f]+\])?\r?$"
    r"|^(?P<binary>[^\s(]+)\((?P<symbol>\w*)\+0x[\da-f]+\)(?: \[0x[\da-f]+\])?\r?$",
    re.MULTILINE,
)
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?[\w.+-]+|\(\)"),
    re.compile(r"(?:[A-Za-z_$][\w$]*(?:::|\.))*(?:~?[A-Za-z_$][\w$]*|operator[^\s\w]{1,3})"),
)
_RETURNED = re.compile(r"^(?:[A-Za-z_][\w:]*[*& ]+)+(?=[\w:~]+::|\w+$)")
"""The type that a function made of a template returns, which stands before its name."""
_LIBRARY = re.compile(
    r"(?:std|boost|__\w+|abi|grpc|absl|google|opentelemetry|folly|tbb|fmt|spdlog|asio)::|_Z(?:NK?)?(?:S[tabsiod]|St|5boost)"
    r"|(?:_start|__|_Unwind|clone|start_thread|abort|raise|gsignal|backtrace)"
)
_LIBRARY_FILE = re.compile(r"^/usr/(?:include|lib)|^/lib|\.so(?:\.|$)|/c\+\+/\d|\.\./sysdeps")


def chain_of(text: str) -> Chain:
    """Return the calls as one exception without a type."""
    return (Thrown("", distinct(map(_frame, _CALL.finditer(text)))),)


def is_whole(_: str) -> bool:
    """Return False: such lines have too little of their own to be told from others where the language is not known."""
    return False


def _frame(call: re.Match[str]) -> Frame | None:
    file = call["file"] or call["binary"] or ""
    symbol, is_named = plain(call["function"] or call["symbol"] or "")
    name = _RETURNED.sub("", symbol)
    names = _GRAMMAR.names(file_end(file) if file else "()", name)
    return names and Frame(*names, not _LIBRARY.match(name) and not _LIBRARY_FILE.search(file), is_named)
