"""Where the configuration comes from, a file or the environment, and what its files held when they were read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.ignored import VariableIgnored, ignored_variables
from sidecar.app.environment.read import read_environment
from sidecar.app.pattern import TooMuchError, is_wild, matches
from sidecar.app.shipped import shipped
from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml.config import Located, read_config
from sidecar.model.yaml.document import Path as DocumentPath
from sidecar.model.yaml.text import NotYamlError, decode, is_blank
from sidecar.runtime.regular_file import read_regular

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
        self.at = ""
        """The file or pattern that was begun to be read last."""

    def read(self, path: Path) -> str:
        """Return the text of `path`.

        Raises ConfigError when it cannot be read or is no text, and when it is empty and was not in the configuration
        that runs: whoever writes a file anew empties it first.
        """
        name = self.at = str(path)
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
        self.at = pattern
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
        """Return the rule files in order, those that come with the sidecar last.

        Patterns are relative to the configuration file. One without a match is told by `unmatched` (a ConfigMap may be
        empty), a plain name that is missing goes to `report`, or else is a ConfigError.
        """
        rules = located.config.rules
        files = self._files(located, ("rules", "files"), rules.files, "rule file", report)
        if rules.shipped:
            pattern = str(shipped("alerts") / "*.rules.yml")
            self.texts.seek(pattern)
            known = {path.resolve() for path in files}
            files += [path for path in matches(pattern, self._base) if path.resolve() not in known]
        return files

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
        found = [match for pattern in self.texts.sought for match in self._found(pattern)]
        files = [self.path, *found] if self.path else found
        return frozenset((str(path), digest_of(path)) for path in files)

    def unmatched(self, located: Located[SidecarConfig]) -> Iterator[Problem]:
        """Yield a problem for each pattern that no file matches: nothing is wrong with it, but nothing comes of it."""
        for place, patterns, what in self._patterns(located):
            for index, pattern in enumerate(patterns):
                if is_wild(pattern) and not self._found(pattern):
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
            tell = partial(located.problem_at, (*place, index))
            try:
                named = matches(pattern, self._base)
            except TooMuchError as error:
                (report or problems.append)(tell(str(error)))
                continue
            if pattern and not named and not is_wild(pattern):
                (report or problems.append)(tell(f"{what} `{pattern}` is missing"))
            found += [match for match in named if match not in found]
        if problems:
            raise ConfigError(problems)
        return found

    def _found(self, pattern: str) -> list[Path]:
        """Return what is there by `pattern`, nothing where that is too much."""
        try:
            return matches(pattern, self._base)
        except TooMuchError:
            return []

    @property
    def _base(self) -> Path:
        return self.path.parent if self.path else Path()


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
