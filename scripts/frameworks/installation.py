"""Apps with the pinned packages they are made of, each in a folder of its own."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parent


class Installation(NamedTuple):
    """Where an app is installed; `node` has all apps of Node, one of Python has a framework's."""

    folder: Path
    language: str

    def command(self, program: str) -> Sequence[str]:
        """Return what runs one of its programs."""
        interpreter = "node" if self.language == "node" else str(self.folder / ".venv/bin/python")
        return [interpreter, str(self.folder / program)]


def install(app: str, folder: Path) -> Installation:
    """Return `app` below `folder`, with today's sources; its packages are installed unless they are there."""
    language = "node" if app == "node" else "python"
    target = folder / app
    shutil.copytree(SOURCES / language, target, dirs_exist_ok=True)
    if language == "node" and not (target / "node_modules").exists():
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(["npm", "install", *quiet], cwd=target, check=True)
    if language == "python" and not (target / ".venv").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, ".venv"], cwd=target, check=True)
        python = target / ".venv/bin/python"
        packages = [uv, "pip", "install", "--quiet", "--python", str(python), "-r", f"{app}.txt"]
        subprocess.run(packages, cwd=target, check=True)
    return Installation(target, language)
