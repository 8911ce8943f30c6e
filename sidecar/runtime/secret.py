"""Files that hold what is needed to log in."""

import asyncio
from pathlib import Path

from sidecar.model.errors import TargetError


async def read_secret(path: str) -> str:
    """Return the text of the file without white space around it; raise TargetError when there is none to read.

    White space of any script, as the exporters and Prometheus take it off: no password of theirs changes.
    """
    try:
        return (await asyncio.to_thread(Path(path).read_text, "utf-8")).strip()
    except OSError as error:
        raise TargetError(f"cannot read `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TargetError(f"`{path}` is not UTF-8 text") from error
