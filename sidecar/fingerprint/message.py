"""Messages without what differs from one occurrence to the next; what tells one problem from another stays."""

import re

LONGEST = 1024
"""Characters of a message that are looked at."""

_DAY, _MONTH = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)", r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d\d?:\d\d:\d\d(?:[.,]\d++)?"
_FORMS = {
    "detail": r"\((?<=\)=\()[^\n]*\)(?= |$)|\((?<=row contains \()[^\n]*\)|\((?<=value is \()[^)\n]*\)",
    "url": r"\b[a-zA-Z][a-zA-Z+.-]{1,15}://[^\s'\"<>)\]]++",
    "email": r"(?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)+",
    "uuid": r"\b(?!\d{32}\b)[\da-fA-F]{8}-?(?:[\da-fA-F]{4}-?){3}[\da-fA-F]{12}\b",
    "time": rf"\b\d{{4}}-\d\d?-\d\d?(?:[T ]{_CLOCK}(?: ?(?:Z|[+-]\d\d:?\d\d))?)?|\b{_CLOCK}"
    rf"|\b(?:{_DAY},? )?(?:\d\d?[ /-])?{_MONTH}[ /-]{{1,2}}\d{{1,4}}\b",
    "address": r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d++)?\b|\[(?=[^:\]]*:)[\da-fA-F:.]++(?:%\w+)?\](?::\d++)?"
    r"|(?<![\w:])(?=[a-fA-F:]*\d)(?:[\da-fA-F]{0,4}:){2,7}[\da-fA-F]{1,4}(?![\w:])",
    "hex": r"\b0[xX][\da-fA-F]++|\b(?=[a-f]*+\d)(?=\d*+[a-f])[\da-f]{8,}+\b|\b(?=[A-F]*+\d)(?=\d*+[A-F])[\dA-F]{8,}+\b",
    "value": r"(?<!\w)'(?:[^'\n\\]|\\.)*+'(?!\w)|(?<!\w)\"(?:[^\"\n\\]|\\.)*+\"|(?<!\w)`[^`\n]*+`"
    r"|\u201c[^\u201d\n]*+\u201d|\u201e[^\u201c\u201d\n]*+[\u201c\u201d]|\u2018[^\u2019\n]*+\u2019"
    r"|\xab[^\xbb\n]*+\xbb|\xbb[^\xab\n]*+\xab",
    "path": r"(?<![\w.<])(?:[a-zA-Z]:\\|~?/|\.{1,2}/)[^\s'\":,;()<>]++",
    "state": r"\b\d\d[A-Z]\d\d\b",
    "id": r"(?<![\w-])(?=[\w-]*?[^\W\d]\d\w*?[^\W\d])[\w-]{6,}+",
    "number": r"(?:(?<![\w.])[-+]|(?<![\d.]))\d++(?:[.,_]\d++)*+(?:[eE][-+]?\d++)?"
    r"(?:(?:ns|[uµ]s|ms|s|m|h)(?:\d++(?:\.\d++)?(?:ns|[uµ]s|ms|s|m))*+(?!\w))?",
}
"""What is replaced by its name, in the sequence in which it is tried at each place."""
_PATTERN = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()))

_NAME = re.compile(
    r"['\"`\u201c\u201e\u2018\xab\xbb]\s?[^\W\d][\w.$#\\-]{0,80}(?:\([\w.$, \[\]]{0,80}\))?"
    r"(?:, Version=[\w.=, ]{0,80})?\s?['\"`\u201c\u201d\u2019\xab\xbb]"
)
_BEFORE_A_NAME = re.compile(
    r"(?i)(?:\b(?:constraint|relation|role|array key|variable|invoke|evaluating|assembly|reverse for"
    r"|template(?: named)?|table|column|field|attribute|arguments?:?|parameter|property|method|function"
    r"|procedure|module(?: named)?|package|class|type|schema|database|view|index|sequence|trigger|domain|extension"
    r"|collection|object|reading|for key|(?:column|object|table|import) name|import name '\w+' from)|^name) $"
)
_AFTER_A_NAME = (" object", " is null", " before initialization", ": invalid identifier")
"""Words before and after names of code and of databases' objects, which are what the error is."""
_BEFORE_A_CODE = re.compile(
    r"(?i)(?:\b(?:sqlstate|errno|winerror|sqlcode|(?:error|status|exit|response|return|with) ?code|exit status|os error"
    r"|(?:http|grpc|unexpected|response) status|^status)"
    r"[ :=\[(#]{1,3}[a-z]{0,2}|\b(?:http|http/\d(?:\.\d)?|signal|\w*error|msg) #?|^ts"
    r"|\(code: ?|\bcode ?= ?|\bora-|\be|\bviolation: |^\()$"
)
"""Words before codes of errors, as databases, operating systems and protocols have them."""
_SHORT_NUMBER = re.compile(r"-?\d{1,5}(?!\w)")
_SAME = re.compile(r"(<\w+>)(?:, ?\1)+(?=[\])}])")
"""How many values a list has is no matter."""
_LOOK_BACK = 80
_DIGITS_OF_A_NAME = re.compile(r"\d{2,}|(?<=\d[a-z])\d|\d(?=[a-z]\d)")
_PAIR = re.compile(r"^\((?P<code>-?\d+), (?P<quote>['\"])(?P<text>.*)(?P=quote)\)", re.DOTALL)
"""How drivers of MySQL for Python show code and message."""
_KNOWN_CODE = re.compile(
    r"(?:SQLSTATE[ :=\[]{1,3}|\(code: ?|[Cc]ode ?[:=] ?'?)"
    r"(?P<state>(?:0[0-9A-Z]|2[0-8BDF]|3[489BDF]|4[024]|5[3-8]|72|F0|H[VYZ]|IM|P0|XX)[\dA-Z]{3})\b"
    r"|\b(?P<oracle>ORA-\d{5})\b|\[(?P<system>(?:Errno|WinError) -?\d{1,5})\]|^\((?P<mysql>\d{4}), "
    r"|\b(?P<posix>E(?:CONN|ADDR|HOST|NET|PIPE|TIMEDOUT|NOTFOUND|AI_|NOENT|ACCES|PERM|EXIST|MFILE|NOSPC)[A-Z]*)\b"
    r"|\b(?P<node>ERR_[A-Z_]{2,40})\b|rpc error: code = (?P<rpc>[A-Z][A-Za-z]{1,20})\b"
)


def normalised(message: str) -> str:
    """Return `message` with `<number>`, `<uuid>`, `<value>` (what is in quotes) and the like, and single spaces.

    Codes of errors, and names of tables, columns, modules and the like, stay: they are what the error is. Two
    occurrences of one problem should be equal then, and two problems should not. For telling apart, not for hiding.
    """
    text = _PAIR.sub(r"(\g<code>) \g<text>", message[:LONGEST])
    return _SAME.sub(r"\1", " ".join(_PATTERN.sub(_name_of, text).split()))


def code_in(message: str) -> str:
    """Return the code that `message` gives for what happened, such as an SQLSTATE; empty if there is none."""
    match = _KNOWN_CODE.search(message[:LONGEST])
    return match[match.lastgroup] if match and match.lastgroup else ""


def _name_of(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "value" and _NAME.fullmatch(text) and _is_name(match):
        return _DIGITS_OF_A_NAME.sub("<number>", text)
    if kind in ("number", "state") and _stands_after(_BEFORE_A_CODE, match):
        return text if kind == "state" or _SHORT_NUMBER.fullmatch(text) else "<number>"
    if kind == "state":
        return f"<number>{text[2]}<number>"
    return "<value>" if kind == "detail" else f"<{kind}>"


def _is_name(match: re.Match[str]) -> bool:
    return match.string.startswith(_AFTER_A_NAME, match.end()) or _stands_after(_BEFORE_A_NAME, match)


def _stands_after(words: re.Pattern[str], match: re.Match[str]) -> bool:
    start = match.start()
    return words.search(match.string, max(0, start - _LOOK_BACK) if start > _LOOK_BACK else 0, start) is not None
