"""Stack traces of PHP, as PHP prints them and as OpenTelemetry's SDK does: innermost call first."""

import re
from collections.abc import Iterator

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_LIKE_JAVA = re.compile(
    r"^[ \t]+at (?P<function>[^\s(]++)\((?P<file>[^\n():]+\.\w+|Unknown Source)(?::\d+)?\)[ \r]*$", re.MULTILINE
)
_NATIVE = re.compile(
    r"^#\d+ (?:(?P<file>[^\n(]+)\(\d+\)(?: : eval\(\)'d code(?:\(\d+\))?)?|\[internal function\]): "
    r"(?P<function>\{closure:[^\n]*?\}(?=\()|[^\n(]+)\("
    r"|^#\d+ (?P<main>\{main\})",
    re.MULTILINE,
)
_NEXT = re.compile(r"\n\s*\nNext (?=[A-Za-z_\\])")
_CAUSE = re.compile(r"^Caused by: ", re.MULTILINE)
_TYPE = re.compile(r"(?:PHP )?(?:Fatal error: +)?(?:Uncaught )?(?P<type>[A-Za-z_][\w\\.]*)(?=:|\s|$)")
_THROWN_IN = re.compile(r" in (?P<file>/[^\n]*|[A-Za-z]:\\[^\n]*):\d+\n(?:Stack trace:\n)?#0 ")
_LINES = Lines(
    re.compile(r"(?:PHP )?(?:Fatal error: +)?(?:Uncaught )?[A-Za-z_][\w\\.]*(?::|\s|$)"),
    re.compile(rf"{_LIKE_JAVA.pattern}|{_NATIVE.pattern}".replace("(?P<file>", "(?:").replace("(?P<function>", "(?:")
               .replace("(?P<main>", "(?:")),
    re.compile(r"Caused by: [A-Za-z_][\w\\.]*(?::|\s*$)|Next [A-Za-z_\\]"),
    re.compile(r"\s*\.\.\. \d+ more|Stack trace:|  thrown in "),
)  # fmt: skip
_CLOSURE = re.compile(r"\{closure(?::.*)?\}(?::\d+\})?$|\{main\}$")
_CLOSURE_LINE = re.compile(r"(?<=:)?:\d+(?=\})")
_ANONYMOUS_CLASS = re.compile(r"@anonymous\0?[^>:]*")
_NAMESPACE = r"(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff@]*(?:\\|\.|::|->))*"
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?[\w.+-]+\.\w+|<internal>"),
    re.compile(
        rf"{_NAMESPACE}(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*|\{{closure\}}|\{{main\}})|require(?:_once)?|include(?:_once)?"
    ),
)
_MADE = re.compile(
    r"(?<=Container)(?=[\w.]*[\d._]|\w+[A-Z])[\w.]{7}(?=[\\/])|(?<=Ghost)[\da-f]{7}(?=->|::|$)|(?<=Proxy)[\da-f]{7}(?=->|::|$)"
    r"|(?<=Template_)[\da-f]{32,64}|(?<=\w)_[\da-f]{8}(?=->|::)"
)
"""What containers, templates and proxies that are made of others' code have, other in each release or process."""
_MADE_FILE = re.compile(r"(?<=/)[\da-f]{32,64}(?=\.php$)")
_LIBRARY = re.compile(r"(?:^|/)vendor/|/usr/share/php|\.phar/|/storage/framework/views/|/var/cache/")
_LIBRARIES = re.compile(
    r"\\?(?:Illuminate|Symfony|Doctrine|GuzzleHttp|Psr|Monolog|Laravel|Slim|Twig|League|OpenTelemetry|Composer|Carbon"
    r"|Predis|Laminas|Cake|CodeIgniter|yii|Nette|Amp|Livewire|Spatie|Inertia|PHPUnit|Ramsey|Nyholm)[\\.]"
)


def chain_of(text: str) -> Chain:
    """Return the exceptions of a stack trace, the outermost first."""
    if _NATIVE.search(text):
        return tuple(_native(part) for part in reversed(_NEXT.split(text)))
    return tuple(Thrown(_type_of(part), distinct(_like_java(part))) for part in _CAUSE.split(text))


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    return _LINES.account_for(text)


def _type_of(text: str) -> str:
    match = _TYPE.match(text)
    return match["type"] if match else ""


def _like_java(text: str) -> Iterator[Frame | None]:
    for call in _LIKE_JAVA.finditer(text):
        file = "" if call["file"] == "Unknown Source" else call["file"]
        yield _frame(file, call["function"])


def _native(text: str) -> Thrown:
    """Return one exception; a line tells from where a function was called, the line before where it failed."""
    calls = [*_NATIVE.finditer(text)]
    thrown_in = _THROWN_IN.search(text)
    files = [call["file"] or "" for call in calls]
    if thrown_in:
        files = [thrown_in["file"], *files]
    functions = [call["function"] or call["main"] for call in calls]
    kind = "" if text.startswith("#") else _type_of(text)
    return Thrown(kind, distinct(map(_frame, files, functions)))


@remembered
def _frame(file: str, function: str) -> Frame | None:
    function = _MADE.sub("", _ANONYMOUS_CLASS.sub("@anonymous", function))
    is_closure = _CLOSURE.search(function) is not None
    if is_closure and "{closure" in function:
        function = f"{function.partition('{closure')[0]}{{closure}}"
    names = _GRAMMAR.names(file_end(_MADE_FILE.sub("made", _MADE.sub("", file))) if file else "<internal>", function)
    in_app = bool(file) and not _LIBRARY.search(file) and not _LIBRARIES.match(function)
    return names and Frame(*names, in_app, not is_closure)
