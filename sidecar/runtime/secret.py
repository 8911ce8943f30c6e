"""Files that hold what is needed to log in."""

import asyncio
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from sidecar.model.errors import TargetError
from sidecar.runtime.detached import begun

MAX_CHARACTERS = 2**20


class SecretFiles:
    """Reads files anew whenever it is asked for one.

    One that hangs, as on a network file system, costs a thread of its own, and whoever asks again meanwhile waits for
    the same read.
    """

    def __init__(self) -> None:
        self._reading: dict[str, Future[str]] = {}

    async def read(self, path: str) -> str:
        """Return the text of the file without white space around it; raise TargetError when there is none to read.

        White space of any script, as the exporters and Prometheus take it off: no password of theirs changes.
        """
        reading = self._reading.get(path)
        if reading is None or reading.done():
            reading = self._reading[path] = begun(partial(_beginning, path), "secret")
        try:
            text = await asyncio.wrap_future(reading)
        except OSError as error:
            raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise TargetError(f"`{path}` is not UTF-8 text") from error
        if len(text) > MAX_CHARACTERS:
            raise TargetError(f"`{path}` is too long for a secret")
        return text.strip()


def _beginning(path: str) -> str:
    with Path(path).open(encoding="utf-8") as file:
        return file.read(MAX_CHARACTERS + 1)
