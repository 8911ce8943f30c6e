"""The one tree of errors, by who must act.

SidecarError
├── OperatorError          the operator: configuration, rule files, command line
│   └── ConfigError        one or more problems, each at file:line:column
├── SenderError            whoever sent us a request: refused, nothing of it was kept
│   ├── MalformedInputError  400: the bytes are not what they claim to be
│   ├── TooLargeError        413: over a configured limit
│   └── UnsupportedError     415: a content type we do not speak
├── QueryError             whoever asked a query; `kind` is Prometheus' errorType
├── TargetError            a scraped or checked target: reported, counted, tried again
└── InternalError          us
"""

from collections.abc import Sequence
from typing import NamedTuple

from typing_extensions import override


class SidecarError(Exception):
    """Something went wrong; the message is meant for the reader named by the class."""


class OperatorError(SidecarError):
    """The operator must change something: the process does not start, or goes on with what it had."""


class Problem(NamedTuple):
    """One mistake in a file; `line` and `column` count from 1, 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str

    @override
    def __str__(self) -> str:
        """Return `file:line:column: message`, the form editors and CI systems link; always one line."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return _in_one_line(f"{place}: {self.message}")


class ConfigError(OperatorError):
    """All problems of the files that were read, in reading order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Mistakes:
    """Collects the problems of several readings, each of which may fail, instead of stopping at the first.

    Of a ConfigError that comes out of a `with` block it takes the problems, and the block ends there.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def __enter__(self) -> None:
        """Let a reading begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Take the problems of a ConfigError; any other error passes."""
        if not isinstance(error, ConfigError):
            return False
        self.problems += error.problems
        return True


def _in_one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class SenderError(SidecarError):
    """A request was refused as a whole; nothing of it was counted."""

    status = 400


class MalformedInputError(SenderError):
    """The body is not what its content type says."""

    status = 400


class TooLargeError(SenderError):
    """The body is over the limit, as sent or after decompression."""

    status = 413


class UnsupportedError(SenderError):
    """The content type is not one this endpoint speaks."""

    status = 415


class QueryError(SidecarError):
    """A PromQL query could not be answered.

    `kind` is Prometheus' errorType: `bad_data`, `execution`, `timeout`, `canceled`, `internal` or `not_found`.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class TargetError(SidecarError):
    """A target did not answer as it should; the message holds no secret."""


class InternalError(SidecarError):
    """An assumption of the program did not hold."""
