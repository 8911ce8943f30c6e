"""Queries that are documents, as of MongoDB and Elasticsearch: names stay, values do not."""

import re

LONGEST = 8192
"""Characters of a document that are looked at, without most values of long lists; an item that is cut is left out."""
_LONGEST_AT_ALL = 256 << 10
_DEEPEST = 100
"""Levels that are told apart; what is below counts as on the last one."""
_SCALAR = r",\s*+(?:\"[^\"\\\n]*+\"(?!\s*+:)|-?[\d.]++)"
_RUN = re.compile(rf"({_SCALAR})(?:\s*+{_SCALAR})++")
_BEGIN = re.compile(r"\s*+[\[{]\s*+(?:[\"'\[{}\]]|[\w$]++\s*+:)")
_PART = re.compile(
    r"\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)|'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|[{}\[\](),:]|[^\s{}\[\](),:\"']++", re.DOTALL
)
_KEY = re.compile(r"[A-Za-z_$@][\w$@.\-/]{0,63}\Z")
_CLOSING = {"{": "}", "[": "]"}
_VALUE = "?"


def is_document(text: str) -> bool:
    """Whether `text` is an object or a list, in JSON or something like it."""
    return _BEGIN.match(text) is not None


def normalised(text: str) -> str:
    """Return the document `text` with `?` for each value and a list's items once each.

    Of keys those stay that look like names. Documents one after the other, as of a bulk request, are a list. Whatever
    is not closed is closed at the end; nothing is refused. Takes linear time.
    """
    if len(text) > LONGEST:
        text = _RUN.sub(r"\1", text[:_LONGEST_AT_ALL])
    frames, too_deep = [_Frame("")], 0
    for part in _PART.findall(text[:LONGEST]):
        frame = frames[-1]
        if part in "{[(" and len(frames) > _DEEPEST:
            too_deep += 1
        elif part in "}])" and too_deep:
            too_deep -= 1
        elif part in "{[(":
            frames.append(_Frame(part))
        elif part in "}])":
            if len(frames) > 1:
                frames.pop()
                frames[-1].put(frame.closed())
        elif part == ",":
            frame.end_item()
        elif part == ":":
            frame.begin_value()
        else:
            frame.put(_VALUE, part)
    return _closed(frames, is_cut=len(text) > LONGEST)


class _Frame:
    """A list or object that was opened, or the text as a whole."""

    def __init__(self, opening: str) -> None:
        self._opening = opening
        self.items: dict[str, None] = {}
        self._key = ""
        self._value = ""
        self._text = ""

    def put(self, value: str, text: str = "") -> None:
        """Take a value, and of one that may be a key the text."""
        if self._value and not self._opening:
            self.end_item()
        self._value, self._text = value, text

    def begin_value(self) -> None:
        """Take what came last as a key."""
        if not self._key and self._value:
            name = self._text.strip("\"'")
            self._key = f'"{name}": ' if _KEY.match(name) else f"{_VALUE}: "
            self._value = self._text = ""

    def end_item(self) -> None:
        """Take the item as whole."""
        if self._key or self._value:
            self.items[self._key + (self._value or _VALUE)] = None
        self._key = self._value = self._text = ""

    def closed(self) -> str:
        """Return the frame as text."""
        self.end_item()
        if self._opening == "(":
            return _VALUE
        inner = (", " if self._opening else " ").join(self.items)
        return f"{self._opening}{inner}{_CLOSING.get(self._opening, '')}"


def _closed(frames: list[_Frame], *, is_cut: bool) -> str:
    while len(frames) > 1:
        text = frames.pop().closed()
        if not (is_cut and frames[-1].items):
            frames[-1].put(text)
    return frames[0].closed()
