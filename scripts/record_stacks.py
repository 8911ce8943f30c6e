"""Records stack traces that Node and Java print, so that tests of grouping need neither.

`python -m scripts.record_stacks` runs tests/golden/stacks/programs twice, as two installations of different releases
would: in another folder, with other line numbers, with other values; and writes tests/golden/stacks/<language>.txt.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "tests/golden/stacks"


class Installation(NamedTuple):
    """Where a program seems to be, by how many lines its code was moved down, and the value it works with."""

    place: str
    lines: int
    number: int


INSTALLATIONS = (
    Installation("/srv/shop/releases/2024-11-03/app", 0, 4711),
    Installation("/home/deploy/app", 37, 98422),
)


class Recorded(NamedTuple):
    """An error as an SDK would send it, and which of the program's bugs it is."""

    bug: str
    type: str
    message: str
    stack: str

    def text(self) -> str:
        """Return the entry of a recording."""
        return f"=== {self.bug}\t{self.type}\t{json.dumps(self.message)}\n{self.stack.rstrip()}\n"


def main() -> None:
    """Write all recordings."""
    for language, run in {"node": run_node, "java": run_java}.items():
        found = [recorded.text() for installation in INSTALLATIONS for recorded in run(installation)]
        (FOLDER / f"{language}.txt").write_text("".join(found))


def run_node(installation: Installation) -> Iterator[Recorded]:
    """Yield what the Node program prints."""
    with installed("node", installation.lines) as folder:
        output = printed_by("node", f"{folder}/main.js", str(installation.number))
    for line in output.replace(folder, installation.place).splitlines():
        yield Recorded(**json.loads(line))


def run_java(installation: Installation) -> Iterator[Recorded]:
    """Yield what the Java program prints; its stack traces have no paths."""
    with installed("java", installation.lines) as folder:
        sources = sorted(str(path) for path in Path(folder).rglob("*.java"))
        printed_by("javac", "-d", f"{folder}/classes", *sources)
        output = printed_by("java", "-cp", f"{folder}/classes", "shop.orders.Main", str(installation.number))
    parts = output.split("\0")[:-1]
    yield from (Recorded(*parts[start : start + 4]) for start in range(0, len(parts), 4))


def printed_by(*command: str) -> str:
    """Return what `command` writes."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def installed(language: str, lines: int) -> Iterator[str]:
    """Yield a folder with the program, each file after so many empty lines."""
    with tempfile.TemporaryDirectory() as folder:
        for source in (FOLDER / "programs" / language).rglob("*.*"):
            target = Path(folder) / source.relative_to(FOLDER / "programs" / language)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("\n" * lines + source.read_text())
        yield folder


if __name__ == "__main__":
    main()
