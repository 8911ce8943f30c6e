"""Errors whose bug is known: recorded from Node and Java, raised in Python, written in the formats of the others."""

import json
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from sidecar.fingerprint.stack import ErrorText
from tests.conftest import ROOT

FOLDER = ROOT / "tests/golden/stacks"
LANGUAGES = {
    "node": "nodejs",
    "java": "java",
    "java_made": "java",
    "go": "go",
    "dotnet": "dotnet",
    "dotnet_made": "dotnet",
    "browser": "webjs",
    "bundled": "webjs",
    "python_made": "python",
    "php": "php",
    "ruby": "ruby",
    "elixir": "erlang",
    "rust": "rust",
    "swift": "swift",
    "cpp": "cpp",
    "unknown": "",
}
"""Recordings by the `telemetry.sdk.language` of who would send them; `_made` is code made by a program."""
TOLD_ONLY = frozenset({"swift", "cpp"})
"""Those that are not found out where the language is not told."""


class Case(NamedTuple):
    """An error of a bug; errors of one bug differ in values, lines, addresses, folders and callers' depth."""

    bug: str
    error: ErrorText


def recorded(name: str) -> list[Case]:
    """Return the errors of a recording."""
    entries = (FOLDER / f"{name}.txt").read_text().split("=== ")[1:]
    return [_case(entry, LANGUAGES[name]) for entry in entries]


def _case(entry: str, language: str) -> Case:
    head, stack = entry.split("\n", 1)
    bug, kind, message = head.split("\t")
    return Case(bug, ErrorText(kind, json.loads(message), stack, language))


def raised(folder: Path) -> list[Case]:
    """Return what the Python program raises in two installations under `folder`."""
    first, second = (("releases/2024-11-03/app", 0, 4711), ("venv-7f/app", 37, 98423))
    return [*_raised(folder / first[0], *first[1:]), *_raised(folder / second[0], *second[1:])]


def _raised(folder: Path, lines: int, number: int) -> Iterator[Case]:
    _install(folder, lines)
    sys.path.insert(0, str(folder))
    try:
        space: dict[str, Any] = {"__name__": "main"}
        exec(_code(folder / "main.py"), space)
        for bug, run in space["BUGS"].items():
            yield _case_of(bug, run, number)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == "orders"]:
            del sys.modules[name]


def _code(path: Path) -> CodeType:
    return compile(path.read_text(), path, "exec")


def _case_of(bug: str, run: Any, number: int) -> Case:
    try:
        run(number)
    except Exception as error:  # noqa: BLE001 - whatever the bug raises
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        return Case(bug, ErrorText(kind, str(error), traceback.format_exc(), "python"))
    raise AssertionError(f"{bug} raised nothing")


def _install(folder: Path, lines: int) -> None:
    source = FOLDER / "programs/python"
    for path in source.rglob("*.py"):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n" * lines + path.read_text())
