"""Lists of values as one value: the second look at SQL, at a text whose literals and placeholders are `?` already."""

import re

_NAME = r'(?:[^\W\d][\w$]*+|"[^"]*+"|\?)'
_SIZE = r"(?:\s*+\(\s*+(?:\?|\w++)(?:\s*+,\s*+\?)*+\s*+\))?+"
_TYPE = (
    rf"{_NAME}(?:\.{_NAME})*+{_SIZE}"
    rf"(?:\s++(?:precision|varying{_SIZE}|unsigned|signed|with(?:out)?\s++time\s++zone))?+(?:\s*+\[\s*+\??+\s*+\])*+"
)
_CAST = rf"(?:\s*+::\s*+{_TYPE})*+(?:\s++COLLATE\s++{_NAME}(?:\.{_NAME})?+)?+"
_TYPED = (
    r"(?!(?:SELECT|NOT|DISTINCT|ALL|ANY|SOME)\b)[^\W\d]\w*+(?:\s++[^\W\d]\w*+){0,3}+\s++\?"
    r"(?:\s++(?:YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)S?+\b)?+"
)
"""A literal with its type before it, such as `DATE '2026-01-01'`."""
_SIMPLE = rf"(?:\?|{_TYPED}){_CAST}"
_CASTING = rf"(?:TRY_|SAFE_)?+CAST\s*+\(\s*+{_SIMPLE}\s++AS\s++{_TYPE}\s*+\)|CONVERT\s*+\(\s*+{_TYPE}\s*+,\s*+\?\s*+\)"
_VALUE = rf"(?:{_SIMPLE}|(?:{_CASTING}){_CAST}|\(\s*+(?:{_SIMPLE}|{_CASTING})\s*+\){_CAST})"
_VALUES = rf"{_VALUE}(?:\s*+,\s*+{_VALUE})*+"

_BRACKETED = r"\((?:[^()\"]|\"[^\"]*+\")*+\)"
for _ in range(4):
    _BRACKETED = rf"\((?:[^()\"]|\"[^\"]*+\"|{_BRACKETED})*+\)"
_ROW = rf"(?:(?i:ROW)\s*+)?(?!\(\s*+(?i:SELECT|WITH|VALUES)\b){_BRACKETED}"
_ITEM = rf"(?:[^()\[\],\"?]|\?|\"[^\"]*+\"|\[[^\[\]]*+\]|{_BRACKETED})++"
_CUT = r"\([^()]*+\Z"
"""A row that the end of the text cuts."""

# Each begins with few signs that are looked for quickly; words are looked for in what comes before.
_LISTS = re.compile(
    rf"\(\s*+(?:(?i:{_VALUES})(?:\s*+\)|\s*+,?[^()]*+\Z)|\))|\[\s*+(?:(?i:{_VALUES})(?:\s*+\]|\s*+,?[^\[\]]*+\Z)|\])"
)
_BEFORE_LIST = re.compile(r"(?i)\b(?:IN|ARRAY)\s*+\Z")
_AFTER_FIRST = re.compile(r"[)\]]\s*+,")
"""Where something may come after a row, an array or a call."""
_ROWS = re.compile(
    rf"(?<![\w$])(?:(?P<first>(?:[vV][aA][lL][uU][eE][sS]?\s*+|[iI][nN]\s*+\(\s*+){_ROW})"
    rf"(?:\s*+,\s*+{_ROW})++(?:\s*+,\s*+(?:(?i:ROW)\s*+)?{_CUT})?"
    rf"|(?P<same>(?:[iI][nN]\s*+\(|[aA][rR][rR][aA][yY]\s*+\[)\s*+(?P<item>{_ITEM}))(?:\s*+,\s*+(?P=item))++(?=\s*+[)\]]))"
)
_SELECTED = r"\s++\?(?:\s*+,\s*+\?)*+"
_DUAL = r"(?:\s++(?i:FROM\s++DUAL))?"
_UNIONS = re.compile(
    rf"(?P<first>(?<!\w)[sS][eE][lL][eE][cC][tT](?P<selected>{_SELECTED}){_DUAL})"
    rf"(?:\s++(?i:UNION\s++ALL\s++SELECT)(?P=selected){_DUAL})++"
)
_INSERTED = re.compile(
    rf"(?P<first>(?<!\w)[iI][nN][tT][oO]\s++[^()]++(?:{_BRACKETED})?\s*+(?i:VALUES)\s*+{_BRACKETED})(?:\s++(?P=first))++"
)
"""Rows as Oracle's INSERT ALL has them."""
_FIELD = re.compile(rf"(?P<first>(?<!\w)[fF][iI][eE][lL][dD]\s*+\(\s*+[^(),?]++),\s*+(?i:{_VALUES})\s*+\)")

_CONSTANT = re.compile(
    r"(?<![\w$.\"`\[])(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[nN][uU][lL][lL])(?![\w$.\"`\]]|\s*+\()"
)
_CONDITION = re.compile(r"(?i)\b(?:IS|NOT|DEFAULT|SET)\s++(?:NOT\s++)?\Z")
_ESCAPE = re.compile(r"\?\s++[uU][eE][sS][cC][aA][pP][eE]\s++\?")
_SIGNED = re.compile(r"[-+]\s*+\?")
_WORDS_TEXT = (
    "SELECT DISTINCT ALL WHERE AND OR XOR NOT WHEN THEN ELSE CASE BETWEEN LIKE ILIKE IN LIMIT OFFSET TOP BY HAVING ON "
    "SET SYMMETRIC VALUE VALUES RETURN RETURNING INTERVAL FROM FOR TO USING CALL EXEC EXECUTE DIV MOD START WITH "
    "INCREMENT MINVALUE MAXVALUE FETCH FORWARD BACKWARD RELATIVE ABSOLUTE DEFAULT IS AS"
)
_WORDS = frozenset(_WORDS_TEXT.split())
"""After these, and after the operators, a sign belongs to the value that follows."""
_OPERATORS = frozenset("(,=<>*/%|&^~[+-")
_LOOK_BACK = 24
"""Characters before a place that are looked at, enough for any of these words."""


def folded(text: str) -> str:
    """Return `text` with one `?` for each list of values, whatever casts they have, and one row for many.

    TRUE, FALSE and NULL are values too where they are not part of a condition, and a sign is part of the value that
    it belongs to. A list that the end of the text cuts counts as one.
    """
    upper = text.upper()
    if "TRUE" in upper or "FALSE" in upper or "NULL" in upper:
        text = _CONSTANT.sub(_constant, text)
    if "UESCAPE" in upper:
        text = _ESCAPE.sub("?", text)
    text = _LISTS.sub(_list, _SIGNED.sub(_signed, text))
    if _AFTER_FIRST.search(text):
        text = _ROWS.sub(lambda match: match["first"] or match["same"], text)
    if "UNION" in upper:
        text = _UNIONS.sub(r"\g<first>", text)
    if "INSERT ALL" in upper:
        text = _INSERTED.sub(r"\g<first>", text)
    return _FIELD.sub(r"\g<first>, ?)", text) if "FIELD" in upper else text


def _before(match: re.Match[str]) -> str:
    return match.string[max(match.start() - _LOOK_BACK, 0) : match.start()]


def _constant(match: re.Match[str]) -> str:
    return match[0] if _CONDITION.search(_before(match)) else "?"


def _signed(match: re.Match[str]) -> str:
    before = _before(match).rstrip()
    is_unary = not before or before[-1] in _OPERATORS or re.split(r"\W", before)[-1].upper() in _WORDS
    return "?" if is_unary else match[0]


def _list(match: re.Match[str]) -> str:
    text = match[0]
    is_list = _BEFORE_LIST.search(_before(match)) is not None
    if text[0] == "(":
        return "(?)" if is_list else text
    return "[?]" if is_list or "," in text else text


_PLACEHOLDER = r"(?:\$\d++|\?|[:@]\w++|%s|%\(\w++\)s|-?\d++|'[^'\\\n]*+')(?:::\w++)?+"
_RUN = re.compile(
    rf"(?P<value>,\s*+{_PLACEHOLDER})(?:\s*+,\s*+{_PLACEHOLDER}(?=\s*+[,)\]]))++"
    rf"|(?P<row>,\s*+\(\s*+{_PLACEHOLDER}(?:\s*+,\s*+{_PLACEHOLDER})*+\s*+\))(?:\s*+,\s*+\(\s*+{_PLACEHOLDER}(?:\s*+,\s*+{_PLACEHOLDER})*+\s*+\))++"
)


def shortened(text: str) -> str:
    """Return `text`, not looked at before, with few of very many values and rows in a list.

    What goes has an even number of quotes, so whatever is outside of a literal stays outside of one.
    """
    return _RUN.sub(lambda match: match["value"] or match["row"], text)
