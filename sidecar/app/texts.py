"""The files that configurations are read from: what they held last, and that an emptied one is no configuration."""

from hashlib import blake2b
from pathlib import Path

from sidecar.model.errors import ConfigError, Problem
from sidecar.model.yaml.text import NotYamlError, decode, is_blank

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


def read_text(path: Path) -> str:
    """Return the text of `path`; raise ConfigError when it cannot be read or is no text."""
    return _decoded(path, _bytes_of(path))


def digest_of(path: Path) -> bytes | None:
    """Return what changes when the content of `path` does, whatever its times say; None if it cannot be read."""
    try:
        return _digest(path.read_bytes())
    except OSError:
        return None


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]) from error


def _decoded(path: Path, data: bytes) -> str:
    try:
        return decode(data)
    except NotYamlError as error:
        raise ConfigError([Problem(str(path), *error.mark, str(error))]) from error


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
