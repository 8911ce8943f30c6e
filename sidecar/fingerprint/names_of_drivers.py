"""Names that drivers and mappers make anew for each use: of savepoints, cursors, prepared statements, temporary tables.

They are values: whoever counts statements counts those with other names as one.
"""

import re

_NAME = r"(?:\?|\"[^\"]*+\"|`[^`]*+`|\[[^\[\]]*+\]|[^\s;(),]++)"
_NUMBERED = r"(?:\"[^\"]*?\d[^\"]*+\"|`[^`]*?\d[^`]*+`|\[[^\[\]]*?\d[^\[\]]*+\]|[^\s;(),\"`\[\]]*?\d[^\s;(),]*+)"
_FORMS = (
    rf"SAVEPOINT\s+{_NAME}",
    rf"RELEASE\s+(?:SAVEPOINT\s+)?{_NAME}",
    rf"ROLLBACK\s+(?:WORK\s+|TRANSACTION\s+|TRAN\s+)?TO\s+(?:SAVEPOINT\s+)?{_NAME}",
    rf"(?:SAVE|ROLLBACK|COMMIT|BEGIN)\s+TRAN(?:SACTION)?\s+{_NUMBERED}",
    rf"SAVE\s+TRAN(?:SACTION)?\s+{_NAME}",
    rf"PREPARE\s+(?!TRANSACTION\b){_NAME}",
    rf"(?:DEALLOCATE\s+(?:PREPARE\s+)?|DROP\s+PREPARE\s+)(?!ALL\b){_NAME}",
    rf"EXECUTE\s+{_NUMBERED}",
    rf"DECLARE\s+{_NAME}(?=(?:\s+(?:BINARY|ASENSITIVE|INSENSITIVE|NO|SCROLL))*+\s+CURSOR\b)",
    rf"(?:FETCH|MOVE)\b(?:\s+(?:(?!FROM\b|IN\b)[A-Z]+|[-+]?\?)){{0,3}}?(?:\s+(?:FROM|IN))?\s+{_NAME}(?=\s*(?:;|\Z))",
    rf"CLOSE\s+(?!ALL\b){_NAME}",
    rf"(?:LISTEN|UNLISTEN|NOTIFY)\s+{_NUMBERED}",
)
_MANAGED = re.compile(rf"(?i)(?P<start>(?:\A|;)\s*+)(?P<words>{'|'.join(_FORMS)})")
_MAY_BE_MANAGED = re.compile(
    "(?i)(?:SAVE|RELE|ROLL|COMM|BEG|PREP|DEAL|DROP PREP|EXEC|DECL|FETCH|MOVE|CLOSE|LIST|UNLIST|NOTI)"
)
_LAST_NAME = re.compile(rf"(?P<before>.*?\s){_NAME}\Z", re.DOTALL)
_TEMPORARY = re.compile(
    r"(?i)\b(?:FROM|JOIN|INTO|UPDATE|TABLE|EXISTS|COPY)\s+(?:(?:\"[^\"]*+\"|`[^`]*+`|[\w$]++)\.)?[\"`\[]?(?P<name>"
    r"pg_(?:toast_)?temp_\d+(?=\.)|(?:pg_temp\.\"?[a-z_]|_*te?mp(?=[_\d])|#)[\w$#]*\d(?:[\w$]|-(?=[\da-f-]{1,36}[\"`\]]))*)"
)
_DIGITS = re.compile(
    r"(?<=[_#])[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|(?<=[_#])(?=[\da-fA-F]*\d)[\da-fA-F]{4,}(?![a-zA-Z])|\d+"
)

_MORE_SETTINGS = re.compile(r";\s*[sS][eE][tT]\s")
_SETTING = re.compile(
    r"(?i)((?:\A|;)\s*SET\s(?:(?:SESSION|LOCAL|GLOBAL)\s)?"
    r"(?:ROLE\s|SESSION AUTHORIZATION\s|[\w.@]+\s?(?:=|\sTO\s|TO\s)\s?))[^;]+"
)
"""What a setting is set to may stand without quotes, such as the schema of a tenant."""


def unnamed(text: str) -> str:
    """Return `text`, which has single spaces and no literals, with `?` for such names.

    Of the names of temporary tables only what is a number in them is a value.
    """
    if ";" in text or _MAY_BE_MANAGED.match(text):
        text = _MANAGED.sub(lambda match: match["start"] + _LAST_NAME.sub(r"\g<before>?", match["words"]), text)
    if text[:4].upper() == "SET " or _MORE_SETTINGS.search(text):
        text = _SETTING.sub(r"\1?", text)
    lower = text.lower()
    if "tmp" not in lower and "temp" not in lower and "#" not in text:
        return text
    for name in {match["name"] for match in _TEMPORARY.finditer(text)}:
        text = text.replace(name, _DIGITS.sub("?", name))
    return text
