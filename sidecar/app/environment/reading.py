"""Reading environment variables into the shape of the configuration."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sidecar.app.environment.variables import FALSE, TRUE, first_set
from sidecar.model.errors import Problem
from sidecar.model.go_duration import parse_go_duration
from sidecar.model.yaml.document import Path
from sidecar.runtime.regular_file import read_regular

NAME = "environment"

Option = tuple[str, Path, Any]
"""A setting of a target: the variable that it came from, its path in the target, its value.

Lists of several variables at one path are one list.
"""

LONGEST_SECONDS = 300.0
"""The longest deadline of a scrape; a variable that asks for more gets this one, and is told of."""


class Reading:
    """Reads `env`, and remembers which variable each part of the configuration came from.

    Whatever a variable says that cannot be used is one of `problems`, with the variable's name, and reading goes on.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[Problem] = []
        self._names: dict[Path, str] = {}

    def problem_at(self, path: Path, message: str) -> Problem:
        """Return a problem of the variable that the value at `path`, or what is around it, came from."""
        sources = (self._names.get(path[:length]) for length in range(len(path), 0, -1))
        name = next(filter(None, sources), None)
        return Problem(NAME, 0, 0, f"`{name}`: {message}" if name else message)

    def first(self, path: Path, *names: str) -> str:
        """Return the first of `names` that is set, for the value at `path`; empty if none is."""
        name, value = first_set(self.env, *names)
        if value:
            self._names[path] = name
        return value

    def given(self, path: Path, *names: str) -> dict[str, Any]:
        """Return the same under the last key of `path`, nothing if none is set."""
        value = self.first(path, *names)
        return {str(path[-1]): value} if value else {}

    def words(self, path: Path, name: str) -> Iterator[str]:
        """Return what a list with commas holds, for the values at `path`."""
        return _words(self.first(path, name))

    def text_options(self, paths: Mapping[str, Path]) -> Iterator[Option]:
        """Yield those of `paths`, by variable, that are set, as they are."""
        for name, path in paths.items():
            if self.env.get(name):
                yield name, path, self.env[name]

    def list_option(self, name: str, path: Path) -> Iterator[Option]:
        """Yield the list with commas that `name` holds, if it is set."""
        if self.env.get(name):
            yield name, path, list(_words(self.env[name]))

    def flag_options(self, paths: Mapping[str, Path]) -> Iterator[Option]:
        """Yield those of `paths`, by variable, that are set, as true or false."""
        for name, path in paths.items():
            if self.env.get(name):
                yield name, path, self.flag(name)

    def duration_option(self, name: str) -> Iterator[Option]:
        """Yield the target's deadline as `name` says it, in Go's notation, at most the longest."""
        if self.env.get(name):
            try:
                yield name, ("timeout_seconds",), min(parse_go_duration(self.env[name]), LONGEST_SECONDS)
            except ValueError as error:
                self._refuse(name, str(error))

    def flag(self, name: str) -> bool:
        """Return whether `name` says true; unset is false."""
        value = self.env.get(name) or "false"
        if value.lower() not in TRUE | FALSE:
            self._refuse(name, f"`{value}` is neither true nor false")
        return value.lower() in TRUE

    def is_off(self, name: str) -> bool:
        """Return whether `name` says false; unset is not."""
        return bool(self.env.get(name)) and not self.flag(name)

    def named(self, names: Mapping[str, str]) -> dict[str, str]:
        """Return those of `names`, variables by key, that are set."""
        return {key: self.env[name] for key, name in names.items() if self.env.get(name)}

    def apply(self, kind: str, targets: list[dict[str, Any]], options: Iterable[Option]) -> list[dict[str, Any]]:
        """Return `targets` of `kind` with `options` in each."""
        for name, path, value in options:
            for index, target in enumerate(targets):
                inner = target
                for key in path[:-1]:
                    inner = inner.setdefault(str(key), {})
                place = (kind, index, *path)
                self._names.setdefault(place, name)
                if isinstance(value, list):
                    items = inner.setdefault(str(path[-1]), [])
                    self._names |= {(*place, len(items) + number): name for number in range(len(value))}
                    items += value
                else:
                    inner[str(path[-1])] = value
        return targets

    def content(self, name: str) -> str:
        """Return what the file holds that the variable `name` names; nothing if it names none."""
        file_name = self.env.get(name)
        if not file_name:
            return ""
        try:
            return read_regular(file_name).decode().strip()
        except OSError as error:
            self._refuse(name, f"cannot read `{file_name}`: {error.strerror}")
        except UnicodeDecodeError:
            self._refuse(name, f"`{file_name}` is not UTF-8 text")
        return ""

    def _refuse(self, name: str, message: str) -> None:
        problem = Problem(NAME, 0, 0, f"`{name}`: {message}")
        if problem not in self.problems:  # one variable may be for several things
            self.problems.append(problem)


def _words(text: str) -> Iterator[str]:
    yield from (word.strip() for word in text.split(",") if word.strip())
