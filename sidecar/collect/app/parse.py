"""From the bytes of an app's answer to families, or an error that says why not."""

import io
import re
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO, cast

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics_families
from prometheus_client.parser import text_fd_to_metric_families as text_families
from typing_extensions import override

from sidecar.codec.peer.inflate import inflated
from sidecar.collect.app.connection import ASKED_ENCODING, Answer
from sidecar.collect.app.convert import convert
from sidecar.model.errors import MalformedInputError, TargetError, TooLargeError
from sidecar.model.family import FamilySamples, Sample
from sidecar.model.labels import labels_of

OPENMETRICS = "application/openmetrics-text"

MAX_LINE_CHARACTERS = 16_384
"""The parsers' work on a line grows with the square of its length; this is some milliseconds."""

SLICE_LINES = 32
PAUSE_SECONDS = 0.0001
"""Parsing holds the interpreter's lock for 5 ms at a time if it may; a pause after each slice, which is about one
millisecond, lets the event loop have it meanwhile."""

SHOWN_CHARACTERS = 200

_RESERVED = re.compile(r'(?<=[{,"\s])__(?!name__)')
_STAND_IN = "two_underscores_of_the_app_"
"""The parsers refuse labels that begin with two underscores, which Prometheus keeps: this stands for the two in what is
parsed, and is gone from the result."""

_COUNTER = re.compile(r"\s*#\s+TYPE\s+(\S+)\s+counter\s*$")


class Limits(NamedTuple):
    """What an answer may have at most: bytes when decompressed, and samples."""

    max_body_bytes: int
    max_series: int


class Parsing:
    """Takes one answer apart; 20 to 40 microseconds a sample, so it belongs in a thread."""

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
        lines = _Lines(text, self._stopped)
        try:
            families = self._parse(lines)
        except Exception as error:  # malformed text ends the parsers in many ways, ValueError is one
            raise TargetError(self._reason(error, lines.number)) from error
        return [_with_underscores(family) for family in families] if lines.reserved else families

    def _parse(self, lines: Iterator[str]) -> list[FamilySamples]:
        if self._answer.content_type == OPENMETRICS:
            metrics: Iterable[Metric] = openmetrics_families(lines)  # type: ignore[no-untyped-call] # it has no types
            return convert(metrics)
        counters: set[str] = set()
        # The parser does nothing but iterate.
        return convert(text_families(cast("TextIO", _counters_as_gauges(lines, counters))), counters)

    def _reason(self, error: Exception, line: int) -> str:
        what = str(error) or "it cannot be read"
        shown = what if len(what) <= SHOWN_CHARACTERS else f"{what[:SHOWN_CHARACTERS]}..."
        return f"the answer, `{self._answer.content_type}`, is malformed at line {line}: {shown}"


class _Lines(Iterator[str]):
    """The lines of a text; `number` is that of the last one, `reserved` whether a stand-in is in one of them."""

    def __init__(self, text: str, stopped: threading.Event) -> None:
        self._lines = io.StringIO(text)
        self._stopped = stopped
        self.number = 0
        self.reserved = False

    @override
    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self.number % SLICE_LINES == 1 and self._stopped.wait(PAUSE_SECONDS):
            raise TargetError("the scrape is over")
        if len(line) > MAX_LINE_CHARACTERS:
            raise TargetError(f"it is longer than {MAX_LINE_CHARACTERS} characters")
        if "__" in line and not line.startswith("#"):
            line, count = _RESERVED.subn(_STAND_IN, line)
            self.reserved |= count > 0
        return line


def _with_underscores(family: FamilySamples) -> FamilySamples:
    return FamilySamples(family.family, [_sample_with_underscores(sample) for sample in family.samples])


def _sample_with_underscores(sample: Sample) -> Sample:
    labels = {_put_back(name): _put_back(value) for name, value in sample.labels}
    return sample._replace(name=_put_back(sample.name), labels=labels_of(labels))


def _put_back(text: str) -> str:
    return text.replace(_STAND_IN, "__")


def _counters_as_gauges(lines: Iterable[str], counters: set[str]) -> Iterator[str]:
    """Yield `lines` with counters declared as gauges, and put their names into `counters`.

    The parser of the text format would end the names of a counter's samples in `_total`, whatever the app calls them.
    """
    for line in lines:
        found = _COUNTER.match(line)
        if found:
            counters.add(found[1])
        yield f"# TYPE {found[1]} gauge\n" if found else line


def _text_of(answer: Answer, max_bytes: int) -> str:
    encoding = answer.encoding.strip().lower()
    if encoding not in ("", "identity", ASKED_ENCODING):
        shown = answer.encoding[:40].encode("ascii", "replace").decode()
        raise TargetError(f"the answer is encoded as `{shown}`, which was not asked for")
    body = _inflated(answer.body, max_bytes) if encoding == ASKED_ENCODING else answer.body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise TargetError(f"the answer is not UTF-8 at byte {error.start}") from error


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
