"""Files that a configuration names by a pattern, as many as somebody may mean: `/**/*.yml` is not to walk a disk."""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from fnmatch import translate
from functools import cache
from itertools import islice
from pathlib import Path
from time import monotonic

from sidecar.model.errors import OperatorError

MOST_FILES = 1000
MOST_DIRECTORIES = 1000
MOST_ENTRIES = 100_000
"""In all directories together."""
MOST_DEPTH = 16
"""Of directories that `**` stands for, within each other."""
MOST_SECONDS = 5.0
_ANY_DEPTH = "**"


class TooMuchError(OperatorError):
    """A pattern would have more read than anybody means."""


def is_wild(pattern: str) -> bool:
    """Return whether `pattern` may stand for several names."""
    return any(mark in pattern for mark in "*?[")


def matches(pattern: str, base: Path) -> list[Path]:
    """Return what is there by `pattern`, sorted by its text; a relative one starts at `base`.

    It means what `glob` does with `recursive`, but that `**` enters no directory twice, whatever links there are.
    Raises TooMuchError when one of the limits above is passed. What cannot be read is empty.
    """
    return [base / name for name in sorted(islice(_Walk(pattern, base).found(), MOST_FILES + 1))]


class _Walk:
    """One look for what a pattern stands for."""

    def __init__(self, pattern: str, base: Path, seconds: Callable[[], float] = monotonic) -> None:
        self._pattern = pattern
        self._base = base
        self._seconds = seconds
        self._until = seconds() + MOST_SECONDS
        self._directories = self._entries = self._files = 0

    def found(self) -> Iterator[str]:
        """Yield the names, as they are from the base on."""
        if not self._pattern:
            return
        start = "/" if self._pattern.startswith("/") else ""
        parts = [part for part in self._pattern.split("/") if part]
        for name in dict.fromkeys(self._below(start, parts)):
            self._files += 1
            self._check(self._files, MOST_FILES, "files")
            yield name

    def _below(self, folder: str, parts: list[str]) -> Iterator[str]:
        """Yield what `parts` of the pattern stand for in `folder`."""
        if not parts:
            yield folder
            return
        part, rest = parts[0], parts[1:]
        if part == _ANY_DEPTH:
            for below in self._folders_below(folder):
                yield from self._below(below, rest) if rest else self._all_in(below)
        elif is_wild(part):
            fits = _fitting(part)
            for name, is_folder in self._entries_of(folder):
                if fits(name) and (is_folder or not rest) and (part.startswith(".") or not name.startswith(".")):
                    yield from self._below(folder + name + "/" * bool(rest), rest)
        elif os.path.lexists(self._base / folder / part):
            yield from self._below(folder + part + "/" * bool(rest), rest)

    def _all_in(self, folder: str) -> Iterator[str]:
        return (folder + name for name, _ in self._entries_of(folder) if not name.startswith("."))

    def _folders_below(self, top: str) -> Iterator[str]:
        """Yield `top` and each directory in it, that is not hidden, once."""
        seen: set[tuple[int, int]] = set()
        waiting = deque([(top, 0)])
        while waiting:
            folder, depth = waiting.popleft()
            try:
                status = os.stat(self._base / folder)
            except OSError:
                continue
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            yield folder
            inner = sorted(name for name, is_folder in self._entries_of(folder) if is_folder and name[0] != ".")
            self._check(depth if inner else 0, MOST_DEPTH - 1, "levels of directories")
            waiting += [(f"{folder}{name}/", depth + 1) for name in inner]

    def _entries_of(self, folder: str) -> list[tuple[str, bool]]:
        """Return the names in `folder` and whether each is that of a directory."""
        self._directories += 1
        self._check(self._directories, MOST_DIRECTORIES, "directories")
        if self._seconds() > self._until:
            raise self._too_much(f"takes more than {MOST_SECONDS:g} s to look for")
        try:
            with os.scandir(self._base / folder) as entries:
                found = [(entry.name, entry.is_dir()) for entry in islice(entries, MOST_ENTRIES + 1)]
        except OSError:
            return []
        self._entries += len(found)
        self._check(self._entries, MOST_ENTRIES, "names")
        return found

    def _check(self, count: int, most: int, what: str) -> None:
        if count > most:
            raise self._too_much(f"stands for more than {most} {what}")

    def _too_much(self, why: str) -> TooMuchError:
        return TooMuchError(f"`{self._pattern}` {why}")


@cache
def _fitting(part: str) -> Callable[[str], object]:
    return re.compile(translate(part)).match
