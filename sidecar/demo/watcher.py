"""Ends what belongs to this process once this process is gone, however that happened."""

import signal
import subprocess
from pathlib import Path

WATCHER = """
read -r _
number=$1 pid=$2
shift 2
if [ "$pid" -gt 0 ]; then
    kill "-$number" "$pid" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$pid" 2>/dev/null
fi
rm -rf -- "$@"
"""
"""Waits for the end of its input; asks the process to end, makes it end after two seconds, removes the folders.

Asking is not enough: a process may ignore the signal, as those started by a shell in the background do with some.
"""


class Watcher:
    """A shell that outlives us: it ends the process `pid`, none if 0, with `number`, and removes `directories`."""

    def __init__(self, pid: int, number: signal.Signals, *directories: Path) -> None:
        arguments = [str(number.value), str(pid), *map(str, directories)]
        self._shell = subprocess.Popen(  # noqa: S603 - the arguments are ours
            ["/bin/sh", "-c", WATCHER, "sh", *arguments], stdin=subprocess.PIPE, start_new_session=True
        )

    def dismiss(self) -> None:
        """Stop watching; nothing is ended or removed. Call it before the process is waited for: ids are used again."""
        self._shell.kill()
        self._shell.communicate()
