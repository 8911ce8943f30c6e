"""From the bytes of an app's answer to families, or an error that says why not."""

import io
import threading
from typing import NamedTuple

from sidecar.codec.peer.exposition import PageReader
from sidecar.codec.peer.inflate import inflated
from sidecar.collect.app.connection import ASKED_ENCODING, Answer
from sidecar.model.errors import MalformedInputError, TargetError, TooLargeError
from sidecar.model.family import FamilySamples

OPENMETRICS = "application/openmetrics-text"

MAX_LINE_CHARACTERS = 2**18
"""The regular expressions hold the interpreter's lock for a line; this is some milliseconds."""

SLICE_LINES = 128
PAUSE_SECONDS = 0.0001
"""Parsing holds the interpreter's lock for 5 ms at a time if it may; a pause after each slice, which is about half a
millisecond, lets the event loop have it meanwhile."""


class Limits(NamedTuple):
    """What an answer may have at most: bytes when decompressed, and samples."""

    max_body_bytes: int
    max_series: int


class Parsing:
    """Takes one answer apart; some microseconds a sample, so it belongs in a thread."""

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self._answer = answer
        self._limits = limits
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `families` end after a few lines: nobody waits for it any more."""
        self._stopped.set()

    def families(self) -> list[FamilySamples]:
        """Return the families in the order of the answer.

        Raises TargetError for an answer that is malformed or over a limit: nothing is taken of it, as Prometheus does.
        """
        text = _text_of(self._answer, self._limits.max_body_bytes)
        _check_count(text, self._limits.max_series)
        page = PageReader(self._answer.content_type == OPENMETRICS)
        number = 0
        try:
            for number, line in enumerate(io.StringIO(text), start=1):
                self._pause(number)
                page.read(_checked(line))
            page.end()
        except MalformedInputError as error:
            raise TargetError(self._reason(error, number)) from error
        return page.families

    def _pause(self, number: int) -> None:
        if number % SLICE_LINES == 1 and self._stopped.wait(PAUSE_SECONDS):
            raise TargetError("the scrape is over")

    def _reason(self, error: Exception, line: int) -> str:
        encoding = self._answer.encoding
        encoded = f", encoded as `{_printable(encoding)}`" if encoding not in ("", ASKED_ENCODING) else ""
        return f"the answer, `{self._answer.content_type}`{encoded}, is malformed at line {line}: {error}"


def _checked(line: str) -> str:
    if len(line) > MAX_LINE_CHARACTERS:
        raise MalformedInputError(f"it is longer than {MAX_LINE_CHARACTERS} characters")
    return line.rstrip("\n")


def _text_of(answer: Answer, max_bytes: int) -> str:
    """Return the text of an answer; an encoding that was not asked for is none, as to Prometheus: some say `utf-8`."""
    is_packed = answer.encoding == ASKED_ENCODING
    body = _inflated(answer.body, max_bytes) if is_packed else answer.body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        encoded = f", and encoded as `{_printable(answer.encoding)}`" if answer.encoding and not is_packed else ""
        raise TargetError(f"the answer is not UTF-8 at byte {error.start}{encoded}") from error


def _printable(encoding: str) -> str:
    return encoding[:40].encode("ascii", "replace").decode()


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """Return `body` expanded, all of its members; never much more than `max_bytes` of it exist."""
    try:
        return inflated(body, ASKED_ENCODING, max_bytes)
    except TooLargeError as error:
        raise TargetError(f"the answer is too long: {error} (`max_body_bytes`)") from error
    except MalformedInputError as error:
        raise TargetError(f"the answer is not gzip, as it says it is: {error}") from error


def _check_count(text: str, max_series: int) -> None:
    count = sum(line[0] != "#" and not line.isspace() for line in io.StringIO(text))
    if count > max_series:
        raise TargetError(f"the answer has {count} samples, and `max_series` is {max_series}")
