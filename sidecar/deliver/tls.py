"""Certificates of an upstream, which are replaced while we run."""

import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from sidecar.deliver.config import ForwardConfig
from sidecar.model.errors import TargetError
from sidecar.runtime.clock import Clock
from sidecar.runtime.threads.purposes import FILES
from sidecar.runtime.tls import MadeFromFiles, check_usable, client_context

T = TypeVar("T")

LOOK_SECONDS = 60.0
"""How often the files are looked at."""


class UpstreamFiles(Generic[T]):
    """What is made of the files of a configuration, as they were at most a minute ago."""

    def __init__(self, config: ForwardConfig, make: Callable[[ForwardConfig], T], clock: Clock) -> None:
        self._config = config
        self._make = partial(make, config)
        self._clock = clock
        self._files = MadeFromFiles[T]()
        self._made: T | None = None
        self._look_at_seconds = 0.0

    async def get(self) -> T:
        """Return it; raise TargetError if the files cannot be used."""
        now = self._clock.monotonic()
        if self._made is None or now >= self._look_at_seconds:
            config = self._config
            paths = [path for path in (config.ca_file, config.certificate_file, config.key_file) if path]
            try:
                self._made = await FILES.run(partial(self._current, paths), source=self)
            except OSError as error:
                raise TargetError(f"cannot use the certificates: {error}") from error
            self._look_at_seconds = now + LOOK_SECONDS
        return self._made

    def _current(self, paths: Sequence[str]) -> T:
        check_usable(*paths)
        return self._files.current(paths, self._make)


def tls_context(config: ForwardConfig) -> ssl.SSLContext:
    """Return what https is spoken with."""
    return client_context(config.ca_file, config.certificate_file, config.key_file)
