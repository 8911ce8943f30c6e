"""Files that hold what is needed to log in."""

from functools import partial

from sidecar.model.errors import TargetError
from sidecar.runtime.regular_file import read_regular
from sidecar.runtime.threads.purposes import FILES

MAX_BYTES = 2**20


class SecretFiles:
    """Reads files anew whenever it is asked for one.

    One that hangs, as on a network file system, costs a thread, and whoever asks again meanwhile waits for the same
    read.
    """

    async def read(self, path: str) -> str:
        """Return the text of the file without white space around it; raise TargetError when there is none to read.

        White space of any script, as the exporters and Prometheus take it off: no password of theirs changes.
        """
        try:
            data = await FILES.run(partial(read_regular, path, MAX_BYTES + 1), source=("secret", path))
        except OSError as error:
            raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
        if len(data) > MAX_BYTES:
            raise TargetError(f"`{path}` is too long for a secret")
        try:
            return data.decode().strip()
        except UnicodeDecodeError as error:
            raise TargetError(f"`{path}` is not UTF-8 text") from error
