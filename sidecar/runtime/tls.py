"""What TLS connections of ours are opened with, made anew when the files behind it are replaced."""

import os
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from sidecar.model.errors import TargetError
from sidecar.runtime.regular_file import check_regular

T = TypeVar("T")

_Signature = tuple[object, ...]


class MadeFromFiles(Generic[T]):
    """Remembers what was made from files. Reading them is no work for the event loop: use it in a thread."""

    def __init__(self) -> None:
        self._signature: _Signature | None = None
        self._made: T | None = None

    def current(self, paths: Sequence[str], make: Callable[[], T], of: object = None) -> T:
        """Return what `make` returns, called again only when `of` is another or a file at `paths` has changed."""
        signature = (of, *map(_stat, paths))
        if self._made is None or signature != self._signature:
            self._made = make()
            self._signature = signature
        return self._made


def client_context(
    ca_file: str | None, certificate_file: str | None = None, key_file: str | None = None
) -> ssl.SSLContext:
    """Return a context that verifies servers, by the system's authorities without `ca_file`.

    Raises TargetError for a file that cannot be used.
    """
    check_usable(ca_file, certificate_file, key_file)
    context = _loaded(ca_file or "the system's certificates", lambda: ssl.create_default_context(cafile=ca_file))
    if certificate_file is not None:
        _loaded(certificate_file, lambda: context.load_cert_chain(certificate_file, key_file))
    return context


def check_usable(*paths: str | None) -> None:
    """Raise TargetError for the first of `paths` that is no regular file; opening it might wait for ever."""
    for path in filter(None, paths):
        _loaded(path, partial(check_regular, path))


def unverified_context() -> ssl.SSLContext:
    """Return a context that takes any certificate of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _loaded(path: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except OSError as error:  # ssl.SSLError is one
        raise TargetError(f"cannot use `{path}`: {error.strerror or error}") from error


def _stat(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, status.st_mtime_ns, status.st_ino
