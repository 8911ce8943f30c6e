"""Shortening of texts that are not masked yet: what is left must not end in, or begin with, a part of a secret."""

import re

_LONGEST_WORD = 512
_CALL = re.compile(r"\n[ \t|]*(?:File \"|at \S|from \S|#\d+ |\S+\.go:\d+|\d+: \S|Caused by: |goroutine \d)")
"""Where a line of a stack trace begins, which is no part of a statement or message that began before."""


def beginning(text: str, characters: int) -> str:
    """Return at most so many `characters` of `text`, without the word in which it would be cut."""
    if len(text) <= characters:
        return text
    kept = text[:characters]
    end = max(kept.rfind(sign, characters - _LONGEST_WORD) for sign in " \t\n")
    return kept[: end if end >= 0 else max(characters - _LONGEST_WORD, 0)]


def both_ends(text: str, head: int, tail: int) -> str:
    """Return the first `head` and the last `tail` characters of a longer `text`; the end starts with a call."""
    if len(text) <= head + tail:
        return text
    rest = text[-tail:]
    call = _CALL.search(rest)
    return f"{beginning(text, head)}\n...{rest[call.start() :] if call else ''}"
