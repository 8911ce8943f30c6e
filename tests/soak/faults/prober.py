"""Probes asked at a steady pace from a process of its own, each with a new connection, as a kubelet does.

    python -m tests.soak.faults.prober FILE NAME=PORT/PATH@SECONDS...

Until standard input ends, each answer is a line of FILE: name, monotonic time of the question, status or NO_ANSWER,
milliseconds.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self, TextIO

from tests.conftest import ROOT
from tests.servers import HOST

TIMEOUT_SECONDS = 1.0
NO_ANSWER = 0


class Question(NamedTuple):
    """What is asked, and how often."""

    port: int
    path: str
    seconds: float


class Answer(NamedTuple):
    """What became of one; times are monotonic."""

    name: str
    asked: float
    status: int
    milliseconds: float

    @property
    def ended(self) -> float:
        """When it was known."""
        return self.asked + self.milliseconds / 1000


class Prober:
    """Another process that asks; `answers` are those that it wrote since the last time."""

    def __init__(self, file: Path, questions: Mapping[str, Question]) -> None:
        self._file = file
        self._questions = questions
        self._read = 0

    def __enter__(self) -> Self:
        self._file.touch()
        asked = [f"{name}={each.port}/{each.path}@{each.seconds}" for name, each in self._questions.items()]
        words = [sys.executable, "-m", "tests.soak.faults.prober", str(self._file), *asked]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # which closes its standard input, so it ends
            pass

    def answers(self) -> Iterator[Answer]:
        """Yield what is new, whole lines only."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            lines = file.read().rpartition(b"\n")[0]
        if lines:
            self._read += len(lines) + 1
        for line in lines.decode().splitlines():
            name, asked, status, milliseconds = line.split()
            yield Answer(name, float(asked), int(status), float(milliseconds))


async def probe(file: TextIO, questions: Mapping[str, Question]) -> None:
    """Ask until standard input ends."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    async with asyncio.TaskGroup() as group:
        askers = [group.create_task(_ask_all(group, file, name, each)) for name, each in questions.items()]
        await ended.wait()
        for asker in askers:
            asker.cancel()


async def _ask_all(group: asyncio.TaskGroup, file: TextIO, name: str, question: Question) -> None:
    due = time.monotonic()
    while True:
        group.create_task(_ask(file, name, question))
        due = max(due + question.seconds, time.monotonic())
        await asyncio.sleep(due - time.monotonic())


async def _ask(file: TextIO, name: str, question: Question) -> None:
    asked = time.monotonic()
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status = await _status(question)
    except (OSError, TimeoutError, ValueError, IndexError):
        status = NO_ANSWER
    print(name, f"{asked:.6f}", status, f"{1000 * (time.monotonic() - asked):.3f}", file=file)


async def _status(question: Question) -> int:
    reader, writer = await asyncio.open_connection(HOST, question.port)
    try:
        writer.write(f"GET /{question.path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        return int((await reader.read()).split(maxsplit=2)[1])
    finally:
        writer.transport.abort()


def main() -> None:
    """Probe as the command line says."""
    questions = {}
    for word in sys.argv[2:]:
        name, _, rest = word.partition("=")
        port, _, path = rest.partition("/")
        path, _, seconds = path.partition("@")
        questions[name] = Question(int(port), path, float(seconds))
    with Path(sys.argv[1]).open("a", buffering=1) as file:
        asyncio.run(probe(file, questions))


if __name__ == "__main__":
    main()
