"""Messages without what differs from one occurrence to the next; what tells one problem from another stays."""

import re

LONGEST = 1024
"""Characters of a message that are looked at."""

_CLOCK = r"\d\d?:\d\d:\d\d(?:[.,]\d++)?"
_NOUN = (
    r"(?i:constraint|relation|table|column|field|attribute|arguments?:?|parameter|property|method|function|procedure"
    r"|module(?: named)?|package|class|type|schema|database|view|index|sequence|trigger|domain|extension|collection"
    r"|object|reading|for key|(?:column|object|table|import) name)|^name"
)
"""Words before names of code and of databases' objects, which are what the error is."""
_NAME = r"[^\W\d][\w.$#-]{0,63}"
_CODE = (
    r"(?i:\b(?:sqlstate|errno|winerror|sqlcode|(?:error|status|exit|response|return) code|exit status|os error)"
    r"[ :=\[(#]{1,3}"
    r"|\b(?:http|signal|error|msg) #?|\(code: ?|\bcode ?= ?|\bora-|\be(?=11000)|\bviolation: )"
    r"-?(?=[A-Z\d])[\dA-Z]{1,5}(?![\w-])|^\(\d{4}\)"
)
"""Codes of errors, as databases, operating systems and protocols have them."""
_FORMS = {
    "code": _CODE,
    "name": rf"(?:{_NOUN}) (?:'{_NAME}'|\"{_NAME}\"|`{_NAME}`)(?: from '{_NAME}')?"
    r"|(?<!\w)'[^\W\d]\w{0,63}'(?= object\b)",
    "detail": r"(?<=\)=)\([^\n]*\)(?= |$)|(?<=row contains )\([^\n]*\)|(?<=value is )\([^)\n]*\)"
    r"|(?<=Duplicate entry )'[^\n]*'(?= for)",
    "url": r"\b[a-zA-Z][a-zA-Z+.-]{1,15}://[^\s'\"<>)\]]++",
    "email": r"(?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)+",
    "uuid": r"\b(?!\d{32}\b)[\da-fA-F]{8}-?(?:[\da-fA-F]{4}-?){3}[\da-fA-F]{12}\b",
    "time": rf"\b\d{{4}}-\d\d?-\d\d?(?:[T ]{_CLOCK}(?: ?(?:Z|[+-]\d\d:?\d\d))?)?|\b{_CLOCK}",
    "address": r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d++)?\b",
    "hex": r"\b0[xX][\da-fA-F]++|\b(?=[a-f]*+\d)(?=\d*+[a-f])[\da-f]{8,}+\b|\b(?=[A-F]*+\d)(?=\d*+[A-F])[\dA-F]{8,}+\b",
    "value": r"(?<!\w)'(?:[^'\n\\]|\\.)*+'(?!\w)|(?<!\w)\"(?:[^\"\n\\]|\\.)*+\"|(?<!\w)`[^`\n]*+`",
    "path": r"(?<![\w.<])(?:[a-zA-Z]:\\|~?/|\.{1,2}/)[^\s'\":,;()<>]++",
    "id": r"(?<![\w-])(?=[\w-]*?[^\W\d]\d\w*?[^\W\d])[\w-]{6,}+",
    "number": r"(?:(?<![\w.])[-+]|(?<![\d.]))\d++(?:[.,_]\d++)*+(?:[eE][-+]?\d++)?",
}
"""What is replaced by its name, in the sequence in which it is tried at each place; codes and names stay."""
_PATTERN = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _FORMS.items()))
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
    return " ".join(_PATTERN.sub(_name_of, text).split())


def code_in(message: str) -> str:
    """Return the code that `message` gives for what happened, such as an SQLSTATE; empty if there is none."""
    match = _KNOWN_CODE.search(message[:LONGEST])
    return match[match.lastgroup] if match and match.lastgroup else ""


def _name_of(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "code":
        return text
    if kind == "name":
        return _DIGITS_OF_A_NAME.sub("<number>", text)
    return "<value>" if kind == "detail" else f"<{kind}>"
