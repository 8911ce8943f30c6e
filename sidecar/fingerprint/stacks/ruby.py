"""Stack traces of Ruby, as Exception#full_message and #backtrace have them: innermost call first, causes after."""

import re

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct

_CALL = re.compile(
    r"^(?P<from>[ \t]*(?:\d+: )?from )?[ \t]*(?P<file>(?:[A-Za-z]:)?[^\s:'\"`][^:\n'\"`]*):\d+"
    r"(?::in [`'](?P<label>[^'`\n]*)')?(?P<rest>: [^\n]*)?\r?$",
    re.MULTILINE,
)
_LINES = Lines(
    re.compile(r"[\w:]+: "),
    re.compile(r"[ \t]*(?:\d+: )?(?:from )?(?:[A-Za-z]:)?[^\s:'\"`][^:\n'\"`]*:\d+:in [`'][^'`\n]*'\s*$"),
    re.compile(r"(?:[A-Za-z]:)?[^\s:'\"`][^:\n'\"`]*:\d+:in [`'][^'`\n]*': "),
    re.compile(r"\s*\.\.\. \d+ levels"),
)
_TYPE = re.compile(r"\((?P<type>[A-Z]\w*(?:::[A-Z]\w*)*)\)\s*$")
_INNER = re.compile(r"^(?:(?:block(?: \(\d+ levels\))?|rescue|ensure|loop) in )+")
_OWNER = re.compile(r"^(?:[A-Z]\w*(?:::[A-Z]\w*)*|#<Class:[^>\s]*>)[#.]")
_OF_A_VIEW = re.compile(r"(?:_+\d+)+$")
_NO_NAME = re.compile(r"<")
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?[\w.+-]+|<\w+>|\(\w+\)"),
    re.compile(r"[^\W\d]\w*[?!=]?|<(?:main|top|class|module|eval|internal)>|[+\-*/%<>=!~^&|]{1,3}|\[\]=?|[+\-]@|`"),
)
_LIBRARY = re.compile(
    r"/gems/|/lib/ruby/|^<|/vendor/bundle/|^\(|/rubygems|/bin/(?:ruby|rake|rails|bundle|puma|sidekiq)$"
)


def chain_of(text: str) -> Chain:
    """Return the exceptions of a stack trace, the outermost first."""
    found: list[Thrown] = []
    name, frames = "", list[Frame | None]()
    for call in _CALL.finditer(text):
        if call["rest"]:  # the first line of an exception
            if frames:
                found.append(Thrown(name, distinct(frames)))
            name, frames = _type_in(call["rest"], text[call.end() :]), []
        elif not call["label"] and not call["from"]:
            continue
        frames.append(_frame(call["file"], call["label"] or "<main>"))
    return (*found, Thrown(name, distinct(frames)))


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    first = text.lstrip().split("\n", 1)[0]
    return (_LINES.cause.match(first) is not None and _TYPE.search(first) is not None) or _LINES.account_for(text)


def _type_in(rest: str, following: str) -> str:
    """Return the type, which stands behind the first line of the message."""
    match = _TYPE.search(rest) or _TYPE.search(following.split("\n", 2)[0] if following else "")
    return match["type"] if match else ""


def _frame(file: str, label: str) -> Frame | None:
    inner = _INNER.sub("", label)
    plain = re.sub(r"^<(main|top|class|module)\b[^>]*>$", r"<\1>", _OF_A_VIEW.sub("", _OWNER.sub("", inner)))
    place = "<internal>" if file.startswith("<internal:") else "(eval)" if file.startswith("(eval") else file_end(file)
    names = _GRAMMAR.names(place, plain)
    is_named = not label.startswith("block") and not _NO_NAME.match(plain)
    return names and Frame(*names, not _LIBRARY.search(file), is_named)
