"""Stack traces of JavaScript, as V8 (Node, Chrome), Firefox and Safari write them: innermost call first."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, file_end

_LINE = re.compile(
    r"""^[ \t]*+(?:
    at\ (?:(?P<function>[^\n(]+?)\ \()?(?P<file>[^\s()][^\n()]*?):\d++:\d++\)?,?(?:\ \{)?[ ]*$
    |(?P<plain>[^@\s]*+)@(?P<url>[^\n]+?):\d++:\d++$
    |(?:\[cause\]:\ )?\[?(?P<type>[A-Z_$][\w$.]*+)(?:\ \[[^\]\n]*+\])?(?=:|\]|\ \{|$)
    |(?P<errors>\[errors\]:\ \[))""",
    re.MULTILINE | re.VERBOSE,
)
_RECEIVER = re.compile(r"^(?:(?:async|new|get|set) |(?:Object|Function|Module|exports|module)\.)*(?=.)")
_ALIAS = re.compile(r" \[as [^\]]+\]$")
_BUNDLE_HASH = re.compile(r"[.-](?=[a-fA-F]*\d)[\da-fA-F]{6,}(?=\.)")
_LIBRARY = re.compile(
    r"node_modules/|^node:|^internal/|^native|^<anonymous>|-extension://|webpack/(?:bootstrap|runtime)"
)


class _Printed(NamedTuple):
    thrown: Thrown
    is_member: bool


def chain_of(text: str) -> Chain:
    """Return the exceptions of a stack trace, the outermost first; those of an AggregateError are its members."""
    chain: list[Thrown] = []
    for thrown, is_member in _printed(text):
        if is_member and chain:
            chain[-1] = chain[-1]._replace(members=(*chain[-1].members, thrown))
        else:
            chain.append(thrown)
    return tuple(chain)


def _printed(text: str) -> Iterator[_Printed]:
    name, frames, is_member = "", list[Frame](), False
    for match in _LINE.finditer(text):
        if file := match["file"] or match["url"]:
            frames.append(_frame(file, match["function"] or match["plain"] or "<anonymous>"))
        elif match["errors"] or frames or not name:  # else it is a line of a message
            if name or frames:
                yield _Printed(Thrown(name, distinct(frames)), is_member)
            name, frames, is_member = match["type"] or "", [], is_member or bool(match["errors"])
    if name or frames:
        yield _Printed(Thrown(name, distinct(frames)), is_member)


def _frame(file: str, function: str) -> Frame:
    path = _BUNDLE_HASH.sub("", file.partition("?")[0])
    place = path.rpartition("/")[2] if path.startswith("http") else file_end(path)
    return Frame(place, _RECEIVER.sub("", _ALIAS.sub("", function)), not _LIBRARY.search(file))
