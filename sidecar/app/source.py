"""Where the configuration comes from: a file, or the environment."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from sidecar.app.config import SidecarConfig
from sidecar.app.environment import read_environment
from sidecar.app.ignored_variables import VariableIgnored, ignored_variables
from sidecar.model.config import Located, read_config
from sidecar.model.document import Path as DocumentPath
from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml_text import NotYamlError, decode

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """Reads the configuration and the files it names; `path` None means the environment."""

    path: Path | None
    env: Mapping[str, str]

    def read(self) -> Located[SidecarConfig]:
        """Return the configuration; raise ConfigError with every problem at file:line:column."""
        if self.path is None:
            return read_environment(self.env)
        return read_config(SidecarConfig, str(self.path), read_text(self.path), self.env)

    def ignored_variables(self) -> Iterator[VariableIgnored]:
        """Yield what the environment asks for in vain; nothing where a file is read."""
        return iter(()) if self.path else ignored_variables(self.env)

    def rule_files(self, located: Located[SidecarConfig]) -> list[Path]:
        """Return the rule files in order; patterns are relative to the configuration file.

        A pattern without a match is fine (a ConfigMap may be empty), a plain name that is missing is a ConfigError.
        """
        return self._files(located, ("rules", "files"), located.config.rules.files, "rule file")

    def query_files(self, located: Located[SidecarConfig], index: int) -> list[Path]:
        """Return the queries files of the Postgres target at `index` in the same way."""
        patterns = located.config.postgres[index].queries
        return self._files(located, ("postgres", index, "queries"), patterns, "queries file")

    def signature(self, patterns: Sequence[str]) -> Signature:
        """Return what changes when the configuration or a file of `patterns` does, ConfigMap symlink swaps included."""
        files = [match for pattern in patterns for match in self._matches(pattern)]
        return tuple(_stat(path) for path in ([self.path, *files] if self.path else files))

    def _files(
        self, located: Located[SidecarConfig], place: DocumentPath, patterns: Sequence[str], what: str
    ) -> list[Path]:
        found: list[Path] = []
        problems: list[Problem] = []
        for index, pattern in enumerate(patterns):
            matches = self._matches(pattern)
            if not matches and not any(mark in pattern for mark in "*?["):
                problems.append(located.problem_at((*place, index), f"{what} `{pattern}` is missing"))
            found += [match for match in matches if match not in found]
        if problems:
            raise ConfigError(problems)
        return found

    def _matches(self, pattern: str) -> list[Path]:
        base = self.path.parent if self.path else Path()
        return [base / match for match in sorted(glob(pattern, root_dir=base, recursive=True))]


def read_text(path: Path) -> str:
    """Return the text of `path`; raise ConfigError when it cannot be read or is no text."""
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error
    except NotYamlError as error:
        raise ConfigError([Problem(str(path), *error.mark, str(error))]) from error


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), status.st_mtime_ns, status.st_ino, status.st_size)
