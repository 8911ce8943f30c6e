"""Certificates of an upstream, which are replaced while we run."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from sidecar.deliver.config import ForwardConfig
from sidecar.model.errors import TargetError
from sidecar.runtime.clock import Clock

T = TypeVar("T")

LOOK_SECONDS = 60.0
"""How often the files are looked at."""


class MadeFromFiles(Generic[T]):
    """Something made from files, and made anew once they changed."""

    def __init__(self, config: ForwardConfig, make: Callable[[ForwardConfig], T], clock: Clock) -> None:
        self._config = config
        self._make = make
        self._clock = clock
        self._made: tuple[T, Sequence[float]] | None = None
        self._look_at_seconds = 0.0

    async def get(self) -> T:
        """Return it as the files were at most a minute ago; raise TargetError if they cannot be used."""
        now = self._clock.monotonic()
        if self._made is None or now >= self._look_at_seconds:
            try:
                self._made = await asyncio.to_thread(self._renewed, self._made)
            except OSError as error:  # ssl.SSLError is one
                raise TargetError(f"cannot use the certificates: {error}") from error
            self._look_at_seconds = now + LOOK_SECONDS
        return self._made[0]

    def _renewed(self, made: tuple[T, Sequence[float]] | None) -> tuple[T, Sequence[float]]:
        config = self._config
        paths = [path for path in (config.ca_file, config.certificate_file, config.key_file) if path]
        changed = [Path(path).stat().st_mtime for path in paths]
        return made if made is not None and made[1] == changed else (self._make(config), changed)


def tls_context(config: ForwardConfig) -> ssl.SSLContext:
    """Return what https is spoken with."""
    context = ssl.create_default_context(cafile=config.ca_file)
    if config.certificate_file is not None:
        context.load_cert_chain(config.certificate_file, config.key_file)
    return context
