"""An older revision beside this one, with this one's yardstick in it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = "requirements-dev.lock"
YARDSTICK = ("benchmarks", "tests", "sidecar/demo")
"""What measures, taken from the new tree: both are measured alike, and an old one need not know how to tell figures."""


@dataclass(frozen=True)
class Tree:
    """A checkout and the Python that has what it needs."""

    folder: Path
    python: Path

    def command(self, benchmark: str, figures: Path, options: list[str]) -> list[str]:
        """Return what runs a benchmark of this tree's sidecar, alone, and writes its figures."""
        return [str(self.python), "-m", f"benchmarks.{benchmark}", "--alone", "--figures", str(figures), *options]


def this_tree() -> Tree:
    """Return the checkout in which this runs."""
    return Tree(ROOT, Path(sys.executable))


@contextmanager
def checked_out(revision: str, root: Path = ROOT) -> Iterator[Tree]:
    """Yield `revision` of the repository at `root` in a folder that is gone when the block ends, however it does.

    Raises CalledProcessError if there is no such revision.
    """
    parent = Path(tempfile.mkdtemp(prefix="sidecar-bench-"))
    folder = parent / "old"
    try:
        parent.chmod(0o755)  # for servers that run as somebody else
        git(root, "worktree", "add", "--quiet", "--detach", str(folder), revision)
        for name in YARDSTICK:
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
        if (root / ".tools").is_dir():
            (folder / ".tools").symlink_to(root / ".tools")
        yield Tree(folder, environment_of(folder, parent, root))
    finally:
        shutil.rmtree(parent, ignore_errors=True)
        git(root, "worktree", "prune")


def environment_of(folder: Path, parent: Path, root: Path) -> Path:
    """Return a Python with what `folder` has in its lock: one that sees our packages, unless they are others.

    Either has a `sidecar` command of its own, which imports from `folder`.
    """
    same = (folder / LOCK).read_bytes() == (root / LOCK).read_bytes()
    python = parent / "venv/bin/python"
    run([sys.executable, "-m", "venv", *(["--without-pip"] if same else []), str(parent / "venv")])
    (packages,) = (parent / "venv/lib").glob("python*/site-packages")
    if same:
        ours = next(Path(path) for path in sys.path if path.endswith("site-packages"))
        (packages / "locked.pth").write_text(f"{folder}\n{ours}\n")
    else:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--require-hashes", "-r", str(folder / LOCK)])
        (packages / "old.pth").write_text(f"{folder}\n")
    command = python.with_name("sidecar")
    command.write_text(f'#!{python}\nimport runpy\nrunpy.run_module("sidecar", run_name="__main__")\n')
    command.chmod(0o755)
    return python


def git(root: Path, *words: str) -> None:
    """Run git in `root`; raise CalledProcessError if it fails."""
    run(["git", "-C", str(root), *words])


def run(command: list[str]) -> None:
    """Run a program; raise CalledProcessError if it fails."""
    subprocess.run(command, check=True)
