"""Stack traces of JavaScript, as V8 (Node, Chrome), Firefox and Safari write them: innermost call first."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.bundle import without_hash
from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_FILE = r"(?:[a-z][\w+.-]*:[^\n\s]*?|(?:[A-Za-z]:)?[\\/][^\n]*?|[\w@.-]+/[^\n\s]*?|[\w.-]+\.\w+|<anonymous>)"
"""A URL, or a path; not whatever stands before two numbers."""
_V8 = rf"at\ (?:(?P<function>[^\n(]+?)\ \()?(?P<file>{_FILE}):\d++:\d++\)?,?(?:\ \{{)?[ ]*\r?$"
_V8_EVAL = r"at\ (?P<evaluated>[^\n(]+?)\ \(eval\ at\ [^\n]*\)\r?$"
_GECKO = r"(?P<plain>[^@\s]*+)@(?P<url>(?:[a-z][\w+.-]*://|/|address\ at\ )[^\n]+?):\d++:\d++\r?$"
_LINE = re.compile(
    rf"""^[ \t]*+(?:
    {_V8}|{_V8_EVAL}|{_GECKO}
    |(?:\[cause\]:\ )?\[?(?:Uncaught\ )?
     (?P<type>[A-Z_$][\w$.]*+(?=(?:\ \[[^\]\n]*+\])?(?::|\]|\ \{{|\r?$))|[a-z][\w$.]*+(?=:\ ))
    |(?P<errors>\[errors\]:\ \[))""",
    re.MULTILINE | re.VERBOSE,
)
_LINES = Lines(
    re.compile(r"\[?(?:Uncaught )?[\w$.]+(?: \[[^\]\n]*\])?(?::|\]|\s*$| \{)"),
    re.compile(
        rf"\s*(?:{_V8}|{_V8_EVAL}|{_GECKO}|at\ .*\((?:<anonymous>|native|index\ \d+)\),?$|[^@\s]*@\[native\ code\]$)",
        re.VERBOSE,
    ),
    re.compile(r"\s*(?:\[cause\]: |\[errors\]: |\[?[A-Z][\w$.]*(?:Error|Exception)\b)"),
    re.compile(r"\s*(?:[\]} ,]+|[\w$'\[\]]+: .*|\.\.\. .*)$"),
)
_RECEIVER = re.compile(r"^(?:(?:async|new|get|set) |(?:Object|Function|Module|exports|module)\.)*(?=.)")
_ALIAS = re.compile(r" \[as [^\]]+\]$")
_MINIFIED = re.compile(r"(?:^|(?<=\.))[A-Za-z_$][\w$]?(?:\.|$)")
"""Names that a minifier gives, which are others in each build."""
_ANONYMOUS = "<anonymous>"
_NO_NAME = re.compile(r"(?:.*[./])?<(?:anonymous|computed)?>?$|\?$|(?:global|eval|module) code$|eval$|anonymous$")
_EXTENSION = r"(?:[cm]?[jt]sx?|vue|svelte|astro|mdx?|(?:js|hbc)?bundle|es\d|coffee|ejs|pug|wasm|json|node|html?)"
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER}){{0,8}}(?:@[\w.-]+/)?[\w.$+~\[\]*()-]+\.{_EXTENSION}"
               r"|bin/[\w.-]+|[\w-]+/(?:bootstrap|runtime)(?:/[\w ]+)?|node:\w+(?:/\w+)*|<anonymous>|\(page\)"),
    re.compile(r"(?:[\w$#]+|<[\w ]+>|\[[\w.$]+\])(?:(?:\.{1,2}|/|\ )(?:[\w$#]+|<[\w ]*>?|\[[\w.$]+\]))*<?"),
)  # fmt: skip
_LIBRARY = re.compile(
    r"node_modules/|^node:|^internal/|^native|^<anonymous>|-extension://|webpack/(?:bootstrap|runtime)|^ext:|^deno:"
    r"|/\.(?:pnpm|yarn)/|^wasm:|/otel-auto-instrumentation|/@opentelemetry/"
)
_MODULE = re.compile(r"^[a-z][\w+.-]*:(?=/|\(|\.)")


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


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    return _LINES.account_for(text)


def _printed(text: str) -> Iterator[_Printed]:
    name, frames, is_member = "", list[Frame | None](), False
    for match in _LINE.finditer(text):
        if file := match["file"] or match["url"] or (match["evaluated"] and _ANONYMOUS):
            frames.append(_frame(file, match["function"] or match["plain"] or match["evaluated"] or _ANONYMOUS))
        elif match["errors"] or not name or (frames and match["type"] and match["type"][0].isupper()):
            if name or frames:  # else it is a line of a message
                yield _Printed(Thrown(name, distinct(frames)), is_member)
            name, frames, is_member = match["type"] or "", [], is_member or bool(match["errors"])
    if name or frames:
        yield _Printed(Thrown(name, distinct(frames)), is_member)


@remembered
def _frame(file: str, function: str) -> Frame | None:
    function = _RECEIVER.sub("", _ALIAS.sub("", function))
    if file.startswith("http"):
        function = _MINIFIED.sub("", function).rstrip(".") or _ANONYMOUS
    if not _GRAMMAR.function.fullmatch(function):
        function = _ANONYMOUS  # computed: a property may have any text for its name
    names = _GRAMMAR.names(_place(file), function)
    return names and Frame(*names, not _LIBRARY.search(file), not _NO_NAME.match(function))


def _place(file: str) -> str:
    """Return the file with its folder; of one that came from the web its name, and `(page)` if it is no script."""
    path = file.partition("?")[0].partition("#")[0]
    path = without_hash(unquote(path) if path.startswith("http") else path)
    if path.startswith("http"):
        name = path.rpartition("/_next/static/chunks/")[2] if "/_next/" in path else path.rpartition("/")[2]
        return name if _GRAMMAR.place.fullmatch(name) else "(page)"
    if path.startswith("node:") or "://" not in path:
        return path if _GRAMMAR.place.fullmatch(path) and path.startswith("node:") else file_end(path)
    return file_end(_MODULE.sub("", path))
