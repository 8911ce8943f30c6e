"""Files that configurations name: regular ones only, since opening or reading any other may wait for somebody."""

import errno
import os
import stat
from os import PathLike
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class IrregularFileError(OSError):
    """It is there, and is no regular file."""


def open_regular(path: str | PathLike[str]) -> BinaryIO:
    """Open a regular file for reading, without waiting for anybody; raise OSError, for another kind at once."""
    check_regular(path)  # also before: opening a device or a FIFO alone may do something
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check(os.fstat(descriptor), path)
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def check_regular(path: str | PathLike[str]) -> None:
    """Raise OSError unless there is a regular file, or a link to one, at `path`."""
    _check(os.stat(path), path)


def read_regular(path: str | PathLike[str], limit_bytes: int = -1) -> bytes:
    """Return the first bytes of a regular file, without a limit all of it; raise OSError."""
    with open_regular(path) as file:
        return file.read(limit_bytes)


def _check(status: os.stat_result, path: str | PathLike[str]) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, "something else")
        raise IrregularFileError(errno.EINVAL, f"it is {what}, not a regular file", os.fspath(path))
