"""Parts of stack traces that are proven to be names of code, so that they may be shown as they are."""

import re
from typing import NamedTuple, NewType

Code = NewType("Code", str)
"""A name that somebody gave to code: it fits the grammar of names of its language and is short. Made only here."""

LONGEST = 120
"""Characters of a name, or of a file with its folder: longer ones are taken for text."""
UNPROVEN = Code("?")
"""Stands for what is no name."""

FOLDER = r"(?:\*|[\w.$+~()\[\]-]+|@[\w.-]+)/"
"""The folder that a file is in, as `file_end` leaves it."""
_FOLDER = re.compile(FOLDER)
_OF_A_BUILD = re.compile(
    r"^(?:_MEI\w{6}|tmp[a-z\d_]{8}|ipykernel_\d+)$|\d{4}|\d[._-]\d|(?i:\b(?=[a-f]*\d)(?=\d*[a-f])[\da-f]{7,}\b)"
)
"""What folders have that are made anew for each build, release or process."""
_VERSION = re.compile(r"@v?\d.*")


class Grammar(NamedTuple):
    """What a language's places, files or classes, and functions look like, from beginning to end."""

    place: re.Pattern[str]
    function: re.Pattern[str]

    def names(self, place: str, function: str) -> tuple[Code, Code] | None:
        """Return both, each as it is or UNPROVEN; None where neither is proven."""
        proven = _checked(self.place, place), _checked(self.function, function)
        return None if proven == (UNPROVEN, UNPROVEN) else proven


def file_end(path: str) -> str:
    """Return the last two segments of `path`, which stay the same wherever the program is installed.

    A folder that differs between builds, such as a version or a hash, is `*`, and so is one whose name may be text.
    """
    *folders, file = path.replace("\\", "/").rsplit("/", 2)[-2:]
    if not folders or not folders[0]:
        return file
    folder = _VERSION.sub("", folders[0])
    is_steady = len(folder) <= LONGEST and not _OF_A_BUILD.search(folder) and _FOLDER.fullmatch(f"{folder}/")
    return f"{folder if is_steady else '*'}/{file}"


def _checked(grammar: re.Pattern[str], text: str) -> Code:
    return Code(text) if len(text) <= LONGEST and grammar.fullmatch(text) else UNPROVEN
