"""What happened when, for who watches and for a file."""

import time
from datetime import UTC, datetime
from pathlib import Path


class Journal:
    """Lines with the time since the beginning; the file has the time of the day too."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line and keep it."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        line = f"{minutes:3d}:{seconds:02d}  {text}"
        print(line, flush=True)
        with self._file.open("a") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {line}\n")
