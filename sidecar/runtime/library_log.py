"""What libraries log: once a minute for each kind, and without what peers sent.

aiohttp logs each malformed request with the header in it, and asyncio each connection that could not be taken: whoever
talks to a port could fill a disk, and read there what others sent.
"""

import logging
import traceback
from time import monotonic

from typing_extensions import override

REPEAT_SECONDS = 60.0
REMEMBERED = 1000
_FRAMES = 10
_CHARACTERS = 300


class LibraryRecords(logging.Filter):
    """Lets records of the sidecar pass as they are, and of those of each other kind one a minute, without content.

    A kind is a logger, a message before its values are put in, and a type of exception. Of a message the first line is
    left, of an exception its type and where it was raised; the next record of a kind says how many were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, object, str], float] = {}
        self._left_out: dict[tuple[str, object, str], int] = {}
        self.repeated = 0
        """Records left out so far, of all kinds."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "sidecar" or record.name.startswith("sidecar."):
            return True
        error = record.exc_info[1] if record.exc_info else None
        kind = (record.name, _first_line(str(record.msg)), type(error).__name__)
        now = monotonic()
        if now - self._last.get(kind, now - REPEAT_SECONDS) < REPEAT_SECONDS:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            self.repeated += 1
            return False
        if len(self._last) >= REMEMBERED:
            self._last.clear()
            self._left_out.clear()
        self._last[kind] = now
        parts = [_first_line(record.getMessage())]
        if error is not None:
            parts.append(_without_content(error))
        if left_out := self._left_out.pop(kind, 0):
            parts.append(f"{left_out} more since the last line")
        record.msg, record.args, record.exc_info, record.exc_text = "; ".join(parts), None, None, None
        return True


def records_repeated() -> int:
    """Return how many records the handlers in use have left out."""
    filters = (each for handler in logging.getLogger().handlers for each in handler.filters)
    return sum(each.repeated for each in filters if isinstance(each, LibraryRecords))


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:_CHARACTERS]


def _without_content(error: BaseException) -> str:
    """Return the type of `error` and where it was raised, innermost first."""
    frames = reversed(traceback.extract_tb(error.__traceback__)[-_FRAMES:])
    return " < ".join([type(error).__name__, *(f"{frame.name} {frame.filename}:{frame.lineno}" for frame in frames)])
