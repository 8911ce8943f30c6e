"""Stack traces of Elixir and Erlang: innermost call first. Arguments of a call, which are values, are left out."""

import re

from sidecar.fingerprint.stacks.accounted import Lines
from sidecar.fingerprint.stacks.code import FOLDER, Grammar, file_end
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_CALL = re.compile(
    r"^[ \t]*(?:\((?P<app>[a-z]\w*)(?: [\w.+-]+)?\) )?(?:(?P<file>[^\s:()]+\.(?:[hl]?eex|exs?|[ehxy]rl)):\d+: )?"
    r"(?P<function>(?:(?:anonymous )?fn/\d+ in )?:?\w++(?:\.\w++)*+[?!]?(?:\.\"[^\"\n]*\"|\.-[^\s(]*-)?)"
    r"(?P<end>/\d+|\().*$",
    re.MULTILINE,
)
_TERM = re.compile(
    r"\{'?(?P<module>[\w.]+)'?,\s*'?(?P<function>[\w?!/<>-]+)'?,\s*(?:\d+|\[[^\n]{0,400}?\]),\s*"
    r"\[(?:\{file,\s*\"(?P<file>[^\"\n]*)\"\},\s*\{line,\s*\d+\})?[^\]]*\]\}"
)
_TYPE = re.compile(r"\*\* \((?P<type>[A-Z][\w.]*|[a-z]+)\)")
_LINES = Lines(
    re.compile(r"\*\* \("),
    re.compile(r"[ \t]*(?:\([a-z]\w*(?: [\w.+-]+)?\) [^\s]|[^\s:()]+\.(?:[hl]?eex|exs?|[ehxy]rl):\d+: )"),
    re.compile(r"\s*\*\* \("),
    re.compile(r"\s*$"),
)
_CLOSURE = re.compile(r"(?:anonymous )?fn/\d+ in |.*\.?\"?-")
_INNER = re.compile(
    r"\.?\"?-(?:inlined-)?(?P<outer>[a-z]\w*[?!]?)/\d+-.*|\.\"(?P<written>[a-z]\w*[?!]?) \(overridable \d+\)\""
)
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?\w[\w.-]*\.\w+|\(\w+\)|\(\)"), re.compile(r":?\w+(?:\.\w+)*[?!]?(?:\.\(fn\))?")
)
_LIBRARY = re.compile(
    r"(?:stdlib|kernel|elixir|erts|compiler|ex_unit|iex|mix|logger|eex|phoenix\w*|ecto\w*|plug\w*|cowboy\w*|bandit"
    r"|thousand_island|telemetry\w*|opentelemetry\w*|db_connection|postgrex|myxql|oban|jason|absinthe\w*|broadway\w*"
    r"|ranch|gun|hackney|tesla|finch|mint|req|nimble_\w+|redix|gen_stage|swoosh|sentry|poolboy)$"
)
_FILE_OF_LIBRARY = re.compile(
    r"(?:^|/)deps/|^(?:gen_server|gen_statem|proc_lib|gen|supervisor|timer|lists|maps|erl_eval)\.erl$|/otp/|/lib/erlang/"
)
_MODULE_OF_LIBRARY = re.compile(
    r":(?:erlang|gen_server|gen_statem|proc_lib|lists|maps|ets|gen)\b|(?:Enum|Map|Keyword|String|Task|GenServer|Kernel|Stream|Access|Integer|Agent)\."
)


def chain_of(text: str) -> Chain:
    """Return what was thrown as one exception."""
    kind = _TYPE.search(text)
    frames = [_frame(call["app"] or "", call["file"] or "", call["function"]) for call in _calls(text)]
    frames += [_of_term(term) for term in _TERM.finditer(text)]
    return (Thrown(kind["type"] if kind else "", distinct(frames)),)


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a stack trace."""
    text = text.strip()
    if text.startswith("["):
        return text.endswith("]}]") and _TERM.match(text, 1) is not None
    return _LINES.account_for(text)


def _calls(text: str) -> list[re.Match[str]]:
    """Return the lines that name an application or a file, which no sentence does."""
    return [call for call in _CALL.finditer(text) if call["app"] or call["file"]]


def _of_term(term: re.Match[str]) -> Frame | None:
    module = term["module"].removeprefix("Elixir.")
    return _frame("", term["file"] or "", f"{module}.{term['function']}")


@remembered
def _frame(app: str, file: str, function: str) -> Frame | None:
    is_closure = _CLOSURE.match(function) is not None
    plain = _INNER.sub(
        lambda found: f".{found['outer'] or found['written']}", re.sub(r"^(?:anonymous )?fn/\d+ in ", "", function)
    )
    names = _GRAMMAR.names(file_end(file) if file else f"({app})", plain)
    is_library = _LIBRARY.match(app) or _FILE_OF_LIBRARY.search(file) or _MODULE_OF_LIBRARY.match(function)
    return names and Frame(*names, not is_library, not is_closure)
