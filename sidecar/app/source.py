"""Where the configuration comes from, a file or the environment, and what its files held when they were read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from hashlib import blake2b
from pathlib import Path

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.ignored import VariableIgnored, ignored_variables
from sidecar.app.environment.read import read_environment
from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml.config import Located, read_config
from sidecar.model.yaml.document import Path as DocumentPath
from sidecar.model.yaml.text import NotYamlError, decode, is_blank
from sidecar.runtime.regular_file import read_regular

_WILD = "*?["

Signature = frozenset[tuple[str, bytes | None]]
"""Names of files and what each held, as a digest; None for one that cannot be read."""


class Texts:
    """Reads files for one configuration after the other; `end` is to be called between two of them."""

    def __init__(self) -> None:
        self.signature: Signature = frozenset()
        self.sought: frozenset[str] = frozenset()
        self._digests: dict[str, bytes | None] = {}
        self._filled: set[str] = set()
        self._patterns: set[str] = set()
        self._running: frozenset[str] = frozenset()

    def read(self, path: Path) -> str:
        """Return the text of `path`.

        Raises ConfigError when it cannot be read or is no text, and when it is empty and was not in the configuration
        that runs: whoever writes a file anew empties it first.
        """
        name = str(path)
        self._digests[name] = None
        data = _bytes_of(path)
        self._digests[name] = _digest(data)
        text = _decoded(path, data)
        if not is_blank(text):
            self._filled.add(name)
        elif name in self._running:
            raise ConfigError([Problem(name, 0, 0, "is empty now, which is no configuration")])
        return text

    def seek(self, pattern: str) -> None:
        """Note that the configuration names files by `pattern`, whether there are any or not."""
        self._patterns.add(pattern)

    def end(self, *, runs: bool) -> None:
        """Note that what was read since the last call is all of a configuration, and whether it runs now.

        Until the next call `signature` is that of these files, and `sought` has the patterns by which they were named.
        """
        self.signature = frozenset(self._digests.items())
        self.sought = frozenset(self._patterns)
        if runs:
            self._running = frozenset(self._filled)
        self._digests, self._filled, self._patterns = {}, set(), set()


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """Reads the configuration and the files it names; `path` None means the environment."""

    path: Path | None
    env: Mapping[str, str]
    texts: Texts = field(default_factory=Texts, compare=False)

    def read(self) -> Located[SidecarConfig]:
        """Return the configuration; raise ConfigError with every problem at file:line:column."""
        if self.path is None:
            return read_environment(self.env)
        return read_config(SidecarConfig, str(self.path), self.texts.read(self.path), self.env)

    def ignored_variables(self) -> Iterator[VariableIgnored]:
        """Yield what the environment asks for in vain; nothing where a file is read."""
        return iter(()) if self.path else ignored_variables(self.env)

    def rule_files(
        self, located: Located[SidecarConfig], report: Callable[[Problem], None] | None = None
    ) -> list[Path]:
        """Return the rule files in order; patterns are relative to the configuration file.

        A pattern without a match is told by `unmatched` (a ConfigMap may be empty), a plain name that is missing goes
        to `report`, or else is a ConfigError.
        """
        return self._files(located, ("rules", "files"), located.config.rules.files, "rule file", report)

    def query_files(
        self, located: Located[SidecarConfig], index: int, report: Callable[[Problem], None] | None = None
    ) -> list[Path]:
        """Return the queries files of the Postgres target at `index` in the same way."""
        patterns = located.config.postgres[index].queries
        return self._files(located, ("postgres", index, "queries"), patterns, "queries file", report)

    def signature(self) -> Signature:
        """Return what the configuration and the files that it names hold now, as `texts` does of what was read.

        These are the files of the configuration that was read last, even if it does not run: one of them may be why.
        """
        matches = [match for pattern in self.texts.sought for match in self._matches(pattern)]
        files = [self.path, *matches] if self.path else matches
        return frozenset((str(path), digest_of(path)) for path in files)

    def unmatched(self, located: Located[SidecarConfig]) -> Iterator[Problem]:
        """Yield a problem for each pattern that no file matches: nothing is wrong with it, but nothing comes of it."""
        for place, patterns, what in self._patterns(located):
            for index, pattern in enumerate(patterns):
                if _is_wild(pattern) and not self._matches(pattern):
                    yield located.problem_at((*place, index), f"no {what} matches `{pattern}`")

    @staticmethod
    def _patterns(located: Located[SidecarConfig]) -> Iterator[tuple[DocumentPath, Sequence[str], str]]:
        yield ("rules", "files"), located.config.rules.files, "rule file"
        for index, target in enumerate(located.config.postgres):
            yield ("postgres", index, "queries"), target.queries, "queries file"

    def _files(
        self,
        located: Located[SidecarConfig],
        place: DocumentPath,
        patterns: Sequence[str],
        what: str,
        report: Callable[[Problem], None] | None,
    ) -> list[Path]:
        found: list[Path] = []
        problems: list[Problem] = []
        for index, pattern in enumerate(patterns):
            self.texts.seek(pattern)
            matches = self._matches(pattern)
            if pattern and not matches and not _is_wild(pattern):
                (report or problems.append)(located.problem_at((*place, index), f"{what} `{pattern}` is missing"))
            found += [match for match in matches if match not in found]
        if problems:
            raise ConfigError(problems)
        return found

    def _matches(self, pattern: str) -> list[Path]:
        base = self.path.parent if self.path else Path()
        return [base / match for match in sorted(glob(pattern, root_dir=base, recursive=True))]


def read_text(path: Path) -> str:
    """Return the text of `path`; raise ConfigError when it cannot be read or is no text."""
    return _decoded(path, _bytes_of(path))


def digest_of(path: Path) -> bytes | None:
    """Return what changes when the content of `path` does, whatever its times say; None if it cannot be read."""
    try:
        return _digest(read_regular(path))
    except OSError:
        return None


def _bytes_of(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error


def _decoded(path: Path, data: bytes) -> str:
    try:
        return decode(data)
    except NotYamlError as error:
        raise ConfigError([Problem(str(path), *error.mark, str(error))]) from error


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def _is_wild(pattern: str) -> bool:
    return any(mark in pattern for mark in _WILD)
